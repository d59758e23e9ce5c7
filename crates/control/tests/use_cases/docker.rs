//! Docker inside a container. Proxmox requires signing in as root@pam with a password for it.

use control::{Actor, clusters, containers, sites};
use model::{
    containers::{ContainerForm, DockerSupport, EditContainer},
    jobs::JobState,
    sites::SiteForm,
};
use proxmox_sim::{Config, Sim, Transport};

use crate::test_app::{NGINX, TestApp};

const SYSTEM: Actor = Actor::System;

fn with_docker(form: ContainerForm) -> ContainerForm {
    ContainerForm {
        docker: true,
        ..form
    }
}

async fn docker_option(app: &TestApp, site: &str) -> DockerSupport {
    let options = containers::create_options(&app.control, &SYSTEM)
        .await
        .unwrap();
    let mut sites = options.sites.into_iter();
    let option = sites.find(|option| option.name.as_str() == site);
    option.unwrap().docker
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_is_refused_with_a_token_before_creation() {
    let app = TestApp::new().await;
    let option = docker_option(&app, "lab").await;
    let reason = "Holdfast signs in to the cluster test with a token. Proxmox requires root@pam with \
               a password for Docker.";
    assert_eq!(option.unsupported_reason(), Some(reason));
    let refused = app.create(&with_docker(app.form("web", NGINX))).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.field_errors()[0].field, "docker");
    assert_eq!(refused.field_errors()[0].message, reason);
    let view = app.create_and_wait("web").await;
    assert!(!view.spec.docker);
    let real = app.sim.handle().container(view.vmid).unwrap();
    assert_eq!(real.options["features"], "nesting=1");
}

/// Adds a cluster with the account root@pam and a password, and a site on it.
async fn add_root_cluster(app: &TestApp) -> Sim {
    let sim = proxmox_sim::start(Config {
        transport: Transport::Tls,
        ..Config::standalone("a root password")
    })
    .await
    .unwrap();
    let cluster = model::clusters::ClusterForm {
        name: "home".into(),
        url: sim.url(),
        account: "root@pam".into(),
        secret: "a root password".into(),
        fingerprint: sim.fingerprint().unwrap(),
    };
    let spec = cluster.parse(true).unwrap();
    clusters::create(&app.control, &SYSTEM, spec).await.unwrap();
    let home = clusters::get(&app.control, &SYSTEM, "home").await.unwrap();
    let site = SiteForm {
        name: "home".into(),
        domain: "home.example.org".into(),
        cluster: home.view.id.to_string(),
        bridge: "vmbr0".into(),
        network: "10.20.0.0/16".into(),
        gateway: "10.20.0.1".into(),
        range: "10.20.9.1-10.20.9.60".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "5000-5999".into(),
        ports: "3000-3009".into(),
        ..SiteForm::default()
    };
    sites::create(&app.control, &SYSTEM, site.parse().unwrap())
        .await
        .unwrap();
    sim
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_is_enabled_with_root_password_and_cannot_be_disabled() {
    let app = TestApp::new().await;
    let sim = add_root_cluster(&app).await;
    assert_eq!(docker_option(&app, "home").await, DockerSupport::Possible);
    let site = sites::list(&app.control, &SYSTEM).await.unwrap();
    let site = site.iter().find(|site| site.spec.name.as_str() == "home");
    let form = ContainerForm {
        site: site.unwrap().id.to_string(),
        ..with_docker(app.form("web", NGINX))
    };
    let created = app.create(&form).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    let log = app.log(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}\n{log}");
    let (site, name) = ("home".parse().unwrap(), "web".parse().unwrap());
    let view = containers::get(&app.control, &SYSTEM, &site, &name)
        .await
        .unwrap();
    assert!(view.spec.docker);
    let real = sim.handle().container(view.vmid).unwrap();
    let features = &real.options["features"];
    assert!(features.contains("keyctl=1"), "{features}");
    assert!(features.contains("nesting=1"), "{features}");

    let mut spec = view.spec.clone();
    spec.docker = false;
    let edit = EditContainer {
        version: view.version,
        spec,
        restart: false,
    };
    let refused = containers::edit(&app.control, &SYSTEM, view.row.id, edit).await;
    assert_eq!(refused.unwrap_err().field_errors()[0].field, "docker");
}
