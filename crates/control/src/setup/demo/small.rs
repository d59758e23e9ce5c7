//! The small demo: the site `lab` with a few containers. Data only.

use model::{containers::ContainerForm, services::ServiceForm, sites::SiteForm};

use super::{ContainerData, DemoContent, tcp, web};

pub(super) fn content() -> DemoContent {
    DemoContent {
        users: Vec::new(),
        sites: vec![lab()],
        loopback: vec![("lab", "localhost")],
        domains: Vec::new(),
        containers: containers(),
        certificates: Vec::new(),
        imported: None,
        changes: Vec::new(),
    }
}

/// The site of both scenarios.
pub(super) fn lab() -> SiteForm {
    SiteForm {
        name: "lab".into(),
        domain: "lab.example.org".into(),
        bridge: "vmbr0".into(),
        network: "10.20.0.0/16".into(),
        gateway: "10.20.0.1".into(),
        range: "10.20.1.1-10.20.8.250".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "1000-9999".into(),
        ports: "2000-2999".into(),
        ..SiteForm::default()
    }
}

fn containers() -> Vec<ContainerData> {
    let container = |name: &str, source: &str, memory: &str, description: &str, service| {
        let form = ContainerForm {
            name: name.into(),
            source: source.into(),
            cores: "1".into(),
            memory: memory.into(),
            disk: "8".into(),
            description: description.into(),
            services: vec![service],
            ..ContainerForm::default()
        };
        ContainerData {
            site: "lab",
            owner: None,
            form,
            fails: false,
        }
    };
    let postgres: ServiceForm = tcp("5432");
    vec![
        container(
            "wiki",
            "docker.io/library/nginx:1.27",
            "512",
            "The team's notes",
            web("80"),
        ),
        container(
            "shell",
            "debian-13-standard_13.1-2_amd64.tar.zst",
            "1024",
            "A Debian to try things in",
            tcp("22"),
        ),
        container(
            "db",
            "docker.io/library/postgres:16",
            "2048",
            "PostgreSQL for the wiki",
            postgres,
        ),
    ]
}
