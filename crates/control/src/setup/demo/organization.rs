//! The full demo: a small organization on an ordinary day. Data only. The simulated cluster has the
//! bridges, images and unmanaged containers named here.

use model::{
    containers::{ContainerForm, Power},
    domains::DomainForm,
    services::ServiceForm,
    sites::SiteForm,
    users::{LimitFields, UserForm},
};

use super::{Change, ContainerData, DemoContent, certificates::CertificateData, small, tcp, web};

const LAB: &str = "lab";
const OFFICE: &str = "office";
/// The domain that the office publishes customer services under.
const PUBLIC: &str = "example.com";
const DEBIAN: &str = "debian-13-standard_13.1-2_amd64.tar.zst";

pub(super) fn content() -> DemoContent {
    let domain = DomainForm {
        name: PUBLIC.into(),
        hsts: "names".into(),
        publishers: "all-users".into(),
        ..DomainForm::default()
    };
    DemoContent {
        users: users(),
        sites: vec![small::lab(), office()],
        loopback: vec![(LAB, "localhost"), (OFFICE, "office.localhost")],
        domains: vec![(OFFICE, domain)],
        containers: lab_containers()
            .into_iter()
            .chain(office_containers())
            .collect(),
        certificates: certificates(),
        imported: Some(("mail-relay", LAB, "elena")),
        changes: vec![
            (OFFICE, "survey", Change::Power(Power::Stop)),
            (LAB, "git", Change::Memory("2048")),
            (LAB, "chat", Change::Power(Power::Restart)),
            (LAB, "load-test", Change::Delete),
        ],
    }
}

fn users() -> Vec<UserForm> {
    let user =
        |name: &str, role: &str, (containers, cores, memory, disk): (&str, &str, &str, &str)| {
            UserForm {
                name: name.into(),
                email: format!("{name}@example.org"),
                role: role.into(),
                limits: LimitFields {
                    containers: containers.into(),
                    cores: cores.into(),
                    memory: memory.into(),
                    disk: disk.into(),
                },
                ..UserForm::default()
            }
        };
    vec![
        user("elena", "operator", ("", "", "", "")),
        user("jonas", "member", ("6", "12", "16384", "200")),
        user("priya", "member", ("4", "8", "8192", "100")),
        user("tomas", "member", ("4", "8", "8192", "100")),
    ]
}

fn office() -> SiteForm {
    SiteForm {
        name: OFFICE.into(),
        domain: "office.example.org".into(),
        bridge: "vmbr1".into(),
        network: "10.30.0.0/16".into(),
        gateway: "10.30.0.1".into(),
        range: "10.30.1.1-10.30.4.250".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "10000-19999".into(),
        ports: "3000-3999".into(),
        ..SiteForm::default()
    }
}

/// Certificates of all ages; one expires within a week.
pub(super) fn certificates() -> Vec<CertificateData> {
    let certificate = |domain, names, age_days| CertificateData {
        domain,
        names,
        age_days,
    };
    vec![
        certificate(
            "lab.example.org",
            &["*.lab.example.org", "lab.example.org"],
            28,
        ),
        certificate(PUBLIC, &["docs.example.com"], 12),
        certificate(PUBLIC, &["files.example.com"], 85),
        certificate(PUBLIC, &["shop.example.com", "www.example.com"], 41),
    ]
}

/// Cores, MiB of memory and GiB of disk.
type Size = (u32, u32, u32);

/// A container of a user.
fn container(
    (site, owner, name): (&'static str, &'static str, &str),
    source: &str,
    (cores, memory, disk): Size,
    description: &str,
    services: Vec<ServiceForm>,
) -> ContainerData {
    ContainerData {
        site,
        owner: Some(owner),
        form: ContainerForm {
            name: name.into(),
            source: source.into(),
            cores: cores.to_string(),
            memory: memory.to_string(),
            disk: disk.to_string(),
            description: description.into(),
            services,
            ..ContainerForm::default()
        },
        fails: false,
    }
}

fn lab_containers() -> Vec<ContainerData> {
    vec![
        container(
            (LAB, "elena", "wiki"),
            "docker.io/library/mediawiki:1.44",
            (2, 1024, 20),
            "Team wiki",
            vec![web("80")],
        ),
        container(
            (LAB, "elena", "git"),
            "docker.io/gitea/gitea:1.24",
            (2, 1024, 40),
            "Source code and reviews",
            vec![web("3000"), tcp("22")],
        ),
        container(
            (LAB, "priya", "chat"),
            "docker.io/mattermost/mattermost-team-edition:10.11",
            (2, 2048, 20),
            "Team chat",
            vec![web("8065")],
        ),
        container(
            (LAB, "elena", "monitoring"),
            "docker.io/grafana/grafana:12.2",
            (1, 1024, 16),
            "Dashboards and alerts",
            vec![web("3000")],
        ),
        container(
            (LAB, "jonas", "build-runner"),
            DEBIAN,
            (4, 4096, 60),
            "Runs builds and tests",
            vec![tcp("22")],
        ),
        container(
            (LAB, "jonas", "db"),
            "docker.io/library/postgres:17",
            (2, 4096, 60),
            "PostgreSQL for wiki, git and chat",
            vec![tcp("5432")],
        ),
        shop_staging(),
        container(
            (LAB, "jonas", "load-test"),
            "docker.io/library/redis:7",
            (1, 512, 8),
            "One afternoon of load tests",
            Vec::new(),
        ),
    ]
}

/// The creation of this container fails: the registry has no such tag.
fn shop_staging() -> ContainerData {
    let data = container(
        (LAB, "priya", "shop-staging"),
        "ghcr.io/example/shop:2.4-rc1",
        (1, 1024, 10),
        "The next release of the shop",
        vec![web("8080")],
    );
    ContainerData {
        fails: true,
        ..data
    }
}

fn office_containers() -> Vec<ContainerData> {
    vec![
        container(
            (OFFICE, "tomas", "docs"),
            "docker.io/library/nginx:1.28",
            (1, 512, 8),
            "Product documentation",
            vec![web("80")],
        ),
        container(
            (OFFICE, "tomas", "files"),
            "docker.io/library/nextcloud:31",
            (2, 2048, 80),
            "File sharing",
            vec![web("80")],
        ),
        container(
            (OFFICE, "priya", "shop"),
            "ghcr.io/example/shop:2.3",
            (2, 2048, 10),
            "The online shop",
            vec![web("8080")],
        ),
        container(
            (OFFICE, "tomas", "survey"),
            "docker.io/library/python:3.13",
            (1, 512, 8),
            "Last year's customer survey",
            vec![web("8000")],
        ),
    ]
}
