//! Docker inside a container, which takes root's own sign-in to the cluster.

use control::{Actor, clusters, containers, sites};
use model::{
    containers::{ContainerForm, Docker, EditContainer},
    jobs::JobState,
    sites::SiteForm,
};
use proxmox_sim::{Config, Sim, Transport};

use crate::house::{House, NGINX};

const SYSTEM: Actor = Actor::System;

fn with_docker(form: ContainerForm) -> ContainerForm {
    ContainerForm {
        docker: true,
        ..form
    }
}

async fn offered(house: &House, site: &str) -> Docker {
    let options = containers::options(&house.control, &SYSTEM).await.unwrap();
    let mut sites = options.sites.into_iter();
    let found = sites.find(|option| option.name.as_str() == site);
    found.unwrap().docker
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_token_it_is_refused_before_anything_is_made() {
    let house = House::new().await;
    let offered = offered(&house, "lab").await;
    let why = "The cluster test is signed in to with a token. Proxmox lets only root@pam itself, \
               with its password, switch this on.";
    assert_eq!(offered.barred(), Some(why));
    let refused = house.create(&with_docker(house.form("web", NGINX))).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.fields()[0].field, "docker");
    assert_eq!(refused.fields()[0].message, why);
    let view = house.made("web").await;
    assert!(!view.spec.docker);
    let real = house.sim.handle().container(view.vmid).unwrap();
    assert_eq!(real.options["features"], "nesting=1");
}

/// A cluster where Holdfast is root itself, and a site on it.
async fn as_root(house: &House) -> Sim {
    let sim = proxmox_sim::start(Config {
        transport: Transport::Tls,
        ..Config::alone("a root password")
    })
    .await
    .unwrap();
    let cluster = model::clusters::ClusterForm {
        name: "home".into(),
        url: sim.url(),
        login: "root@pam".into(),
        secret: "a root password".into(),
        fingerprint: sim.fingerprint().unwrap(),
    };
    let spec = cluster.parse(true).unwrap();
    clusters::create(&house.control, &SYSTEM, spec)
        .await
        .unwrap();
    let home = clusters::get(&house.control, &SYSTEM, "home")
        .await
        .unwrap();
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
    sites::create(&house.control, &SYSTEM, site.parse().unwrap())
        .await
        .unwrap();
    sim
}

#[tokio::test(flavor = "multi_thread")]
async fn as_root_itself_it_is_made_and_stays() {
    let house = House::new().await;
    let sim = as_root(&house).await;
    assert_eq!(offered(&house, "home").await, Docker::Possible);
    let site = sites::list(&house.control, &SYSTEM).await.unwrap();
    let site = site.iter().find(|site| site.spec.name.as_str() == "home");
    let form = ContainerForm {
        site: site.unwrap().id.to_string(),
        ..with_docker(house.form("web", NGINX))
    };
    let created = house.create(&form).await.unwrap();
    let job = house.ended(created.job).await;
    let log = house.log(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}\n{log}");
    let (site, name) = ("home".parse().unwrap(), "web".parse().unwrap());
    let view = containers::get(&house.control, &SYSTEM, &site, &name)
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
    let refused = containers::edit(&house.control, &SYSTEM, view.row.id, edit).await;
    assert_eq!(refused.unwrap_err().fields()[0].field, "docker");
}
