use control::{Actor, clusters, containers, sites};
use model::{
    ClusterId, Error,
    clusters::{ClusterForm, Import, Missing},
    containers::{Drift, Status},
    jobs::JobState,
    names::Label,
    sites::SiteForm,
};
use proxmox_sim::{Config, Sim, Transport};

use crate::house::{House, until};

const SYSTEM: Actor = Actor::System;

/// A second cluster with TLS, as people have them, and nothing of ours on it.
async fn theirs() -> Sim {
    proxmox_sim::start(Config {
        transport: Transport::Tls,
        ..Config::alone("a root password")
    })
    .await
    .unwrap()
}

fn form(sim: &Sim) -> ClusterForm {
    ClusterForm {
        name: "home".into(),
        url: sim.url(),
        login: "root@pam".into(),
        secret: "a root password".into(),
        fingerprint: sim.fingerprint().unwrap_or_default(),
    }
}

async fn add(house: &House, sim: &Sim) -> ClusterId {
    let spec = form(sim).parse(true).unwrap();
    clusters::create(&house.control, &SYSTEM, spec)
        .await
        .unwrap();
    detail(house).await.view.id
}

async fn detail(house: &House) -> model::clusters::ClusterDetail {
    clusters::get(&house.control, &SYSTEM, "home")
        .await
        .unwrap()
}

/// A site on the second cluster, in the network that its containers are in.
async fn site(house: &House, cluster: ClusterId) -> model::SiteId {
    let form = SiteForm {
        name: "home".into(),
        domain: "home.example.org".into(),
        cluster: cluster.to_string(),
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
    sites::create(&house.control, &SYSTEM, form.parse().unwrap())
        .await
        .unwrap()
}

fn field(error: &Error) -> &str {
    &error.fields()[0].field
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_added_once_its_certificate_was_confirmed() {
    let (house, sim) = (House::new().await, theirs().await);
    let control = &house.control;
    let shown = clusters::certificate(control, &SYSTEM, sim.url().parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        shown.fingerprint.map(|print| print.to_string()),
        sim.fingerprint()
    );
    let other = ClusterForm {
        fingerprint: "ab".repeat(32),
        ..form(&sim)
    };
    let refused = clusters::create(control, &SYSTEM, other.parse(true).unwrap()).await;
    assert_eq!(field(&refused.unwrap_err()), "fingerprint");
    let wrong = ClusterForm {
        secret: "not it".into(),
        ..form(&sim)
    };
    let refused = clusters::create(control, &SYSTEM, wrong.parse(true).unwrap()).await;
    assert_eq!(field(&refused.unwrap_err()), "secret");
    let nobody = ClusterForm {
        url: "https://127.0.0.1:1".into(),
        ..form(&sim)
    };
    let refused = clusters::create(control, &SYSTEM, nobody.parse(true).unwrap()).await;
    assert_eq!(field(&refused.unwrap_err()), "url");

    add(&house, &sim).await;
    let detail = detail(&house).await;
    assert_eq!(detail.view.nodes.len(), 2, "{detail:?}");
    assert_eq!(detail.view.trouble, None);
    assert_eq!(detail.foreign.len(), 4, "{:?}", detail.foreign);
    let again = clusters::create(control, &SYSTEM, form(&sim).parse(true).unwrap()).await;
    assert_eq!(field(&again.unwrap_err()), "name");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_operators_do_not_touch_clusters() {
    let (house, sim) = (House::new().await, theirs().await);
    for role in ["member", "operator"] {
        let form = model::users::UserForm {
            role: role.into(),
            ..Default::default()
        };
        let actor = house.member(role, form).await;
        let spec = self::form(&sim).parse(true).unwrap();
        let refused = clusters::create(&house.control, &actor, spec).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
        let refused = clusters::get(&house.control, &actor, "test").await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
        let url = sim.url().parse().unwrap();
        let refused = clusters::certificate(&house.control, &actor, url).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cluster_lacks_is_named() {
    let (house, sim) = (House::new().await, theirs().await);
    let id = add(&house, &sim).await;
    let found = clusters::findings(&house.control, &SYSTEM, id)
        .await
        .unwrap();
    // No second node is behind its address; some networks answer for every address all the same.
    let lacks = found.missing.iter();
    let lacks: Vec<_> = lacks
        .filter(|missing| !matches!(missing, Missing::Certificate { .. }))
        .collect();
    assert!(lacks.is_empty(), "{lacks:?}");
    let bridges: Vec<String> = found.bridges.iter().map(ToString::to_string).collect();
    assert_eq!(bridges, ["vmbr0"]);
    assert!(!found.template_storages().is_empty() && !found.volume_storages().is_empty());

    let mut config = Config::alone("a root password");
    config.scenario.storages.retain_mut(|storage| {
        storage.content.retain(|kind| *kind != "vztmpl");
        true
    });
    config.scenario.bridges.clear();
    config.transport = Transport::Tls;
    let poor = proxmox_sim::start(config).await.unwrap();
    let spec = ClusterForm {
        name: "poor".into(),
        ..form(&poor)
    };
    clusters::create(&house.control, &SYSTEM, spec.parse(true).unwrap())
        .await
        .unwrap();
    let id = clusters::get(&house.control, &SYSTEM, "poor")
        .await
        .unwrap()
        .view
        .id;
    let found = clusters::findings(&house.control, &SYSTEM, id)
        .await
        .unwrap();
    assert!(
        found.missing.contains(&Missing::TemplateStorage),
        "{found:?}"
    );
    assert!(found.missing.contains(&Missing::Bridge), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_are_taken_over_again_and_again_without_doubles() {
    let (house, sim) = (House::new().await, theirs().await);
    let cluster = add(&house, &sim).await;
    let site = site(&house, cluster).await;
    house.member("ann", Default::default()).await;
    let vmids: Vec<u32> = detail(&house)
        .await
        .foreign
        .iter()
        .map(|guest| guest.vmid)
        .collect();
    let import = Import {
        site: site.to_string(),
        owner: "ann".into(),
        vmids: vmids.clone(),
    };
    let first = clusters::import(&house.control, &SYSTEM, cluster, import.clone())
        .await
        .unwrap();
    let done: Vec<&Label> = first
        .iter()
        .filter_map(|imported| imported.outcome.as_ref().ok())
        .collect();
    assert!(done.len() >= 2, "{first:?}");
    let again = clusters::import(&house.control, &SYSTEM, cluster, import)
        .await
        .unwrap();
    assert!(
        again.iter().all(|imported| imported.outcome.is_err()),
        "{again:?}"
    );
    let left = detail(&house).await.foreign;
    assert_eq!(left.len(), vmids.len() - done.len());

    let name = done[0].clone();
    let view = containers::get(&house.control, &SYSTEM, &"home".parse().unwrap(), &name)
        .await
        .unwrap();
    assert_eq!(view.row.owner.to_string(), "ann");
    assert_eq!(view.spec.source.to_string(), "taken-over");
    // It is ours in every way: it can be deleted.
    let job = containers::delete(&house.control, &SYSTEM, view.row.id, name.as_str())
        .await
        .unwrap();
    let job = house.ended(job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(sim.handle().container(view.vmid).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_over_is_said() {
    let (house, sim) = (House::new().await, theirs().await);
    let cluster = add(&house, &sim).await;
    let site = site(&house, cluster).await;
    let import = |site: String, owner: &str, vmids: Vec<u32>| Import {
        site,
        owner: owner.into(),
        vmids,
    };
    let take = async |import| clusters::import(&house.control, &SYSTEM, cluster, import).await;
    let refused = take(import(site.to_string(), "nobody", vec![100])).await;
    assert_eq!(field(&refused.unwrap_err()), "owner");
    let refused = take(import(house.site.to_string(), "admin", vec![100])).await;
    assert_eq!(field(&refused.unwrap_err()), "site");
    let refused = take(import(site.to_string(), "admin", vec![])).await;
    assert_eq!(field(&refused.unwrap_err()), "vmids");
    let none = take(import(site.to_string(), "admin", vec![99_999]))
        .await
        .unwrap();
    assert!(none[0].outcome.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_certificate_stops_everything_until_it_is_confirmed() {
    let (house, sim) = (House::new().await, theirs().await);
    let id = add(&house, &sim).await;
    let new = sim.handle().renew_certificate().unwrap().unwrap();
    let view = until("the change is seen", async || {
        let view = detail(&house).await.view;
        view.changed.is_some().then_some(view)
    })
    .await;
    assert_eq!(view.changed.unwrap().to_string(), new);
    assert!(view.trouble.unwrap().contains("certificate"));

    let keep = ClusterForm {
        secret: String::new(),
        fingerprint: new,
        ..form(&sim)
    };
    clusters::update(&house.control, &SYSTEM, id, keep.parse(false).unwrap())
        .await
        .unwrap();
    until("it answers again", async || {
        detail(&house).await.view.trouble.is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_secret_goes_to_no_other_address_or_account() {
    let (house, sim) = (House::new().await, theirs().await);
    let id = add(&house, &sim).await;
    let elsewhere = proxmox_sim::start(Config {
        transport: Transport::Tls,
        ..Config::alone("other")
    })
    .await
    .unwrap();
    let moved = ClusterForm {
        secret: String::new(),
        ..form(&elsewhere)
    };
    let refused = clusters::update(&house.control, &SYSTEM, id, moved.parse(false).unwrap()).await;
    assert_eq!(field(&refused.unwrap_err()), "secret");
    let other = ClusterForm {
        login: "anna@pve".into(),
        secret: String::new(),
        ..form(&sim)
    };
    let refused = clusters::update(&house.control, &SYSTEM, id, other.parse(false).unwrap()).await;
    assert_eq!(field(&refused.unwrap_err()), "secret");
    assert!(elsewhere.handle().requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_with_sites_stays_and_one_without_goes() {
    let (house, sim) = (House::new().await, theirs().await);
    let id = add(&house, &sim).await;
    let site = site(&house, id).await;
    let held = clusters::delete(&house.control, &SYSTEM, id, "home").await;
    assert!(matches!(held, Err(Error::Conflict { .. })), "{held:?}");
    sites::delete(&house.control, &SYSTEM, site, "home")
        .await
        .unwrap();
    let slip = clusters::delete(&house.control, &SYSTEM, id, "hom").await;
    assert_eq!(field(&slip.unwrap_err()), "confirm");
    clusters::delete(&house.control, &SYSTEM, id, "home")
        .await
        .unwrap();
    let gone = clusters::get(&house.control, &SYSTEM, "home").await;
    assert!(matches!(gone, Err(Error::NotFound { .. })));
    assert_eq!(
        clusters::list(&house.control, &SYSTEM).await.unwrap().len(),
        1
    );
    // The other cluster is observed as often as the deleted one was.
    let asked = sim.handle().requests();
    let rounds = || {
        let requests = house.sim.handle().requests();
        requests.get("GET /cluster/resources").copied()
    };
    let before = rounds().expect("it is observed");
    until("several rounds of the other cluster are over", async || {
        rounds().filter(|rounds| *rounds > before + 3)
    })
    .await;
    assert_eq!(sim.handle().requests(), asked, "it is asked no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_behind_our_back_is_seen_and_followed() {
    let house = House::new().await;
    let view = house.made("web").await;
    let to = if view.node.as_str() == "pve1" {
        "pve2"
    } else {
        "pve1"
    };
    assert!(house.sim.handle().stop_container(view.vmid));
    assert!(house.sim.handle().move_container(view.vmid, to));
    assert!(house.sim.handle().rename_container(view.vmid, "other"));
    let drift = until("the move is seen", async || {
        let view = house.view("web").await;
        (view.drift.len() == 2 && view.row.status == Status::Stopped).then_some(view.drift)
    })
    .await;
    assert_eq!(
        drift,
        [
            Drift::Moved {
                to: to.parse().unwrap()
            },
            Drift::Renamed { to: "other".into() }
        ]
    );
    let job = containers::power(
        &house.control,
        &SYSTEM,
        view.row.id,
        model::containers::Power::Start,
    )
    .await
    .unwrap();
    let done = house.ended(job).await;
    assert_eq!(done.row.state, JobState::Done, "{done:?}");
    assert_eq!(house.view("web").await.node.to_string(), to);
    assert!(house.log(job).await.contains("It was moved in Proxmox"));

    assert!(house.sim.handle().remove_container(view.vmid));
    until("the loss is seen", async || {
        (house.view("web").await.row.status == Status::Missing).then_some(())
    })
    .await;
}

/// The privileges that docs/clusters.md has an administrator give.
const ROLE: &str = "VM.Allocate VM.Audit VM.PowerMgmt VM.Config.CPU VM.Config.Memory VM.Config.Disk VM.Config.Network VM.Config.Options Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit SDN.Use Sys.Audit Sys.AccessNetwork";

/// Makes the account, the role and the token of docs/clusters.md; gives the token's secret.
async fn least(sim: &Sim, privileges: &str) -> String {
    let http = reqwest::Client::new();
    let ask = async |method: &str, path: &str, form: &[(&str, &str)]| {
        let answer = http
            .request(
                method.parse().unwrap(),
                format!("{}/api2/json{path}", sim.url()),
            )
            .header(
                "Authorization",
                format!("PVEAPIToken=root@pam!holdfast={}", proxmox_sim::TEST_SECRET),
            )
            .form(form)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    };
    let role = [("roleid", "Holdfast"), ("privs", privileges)];
    ask("POST", "/access/roles", &role).await;
    ask("POST", "/access/users", &[("userid", "holdfast@pve")]).await;
    let grant = [
        ("path", "/"),
        ("users", "holdfast@pve"),
        ("roles", "Holdfast"),
    ];
    ask("PUT", "/access/acl", &grant).await;
    let token = "/access/users/holdfast@pve/token/holdfast";
    let made = ask("POST", token, &[("privsep", "0")]).await;
    let value = made.split("\"value\":\"").nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}

async fn add_least(house: &House, secret: String) -> ClusterId {
    let form = ClusterForm {
        name: "least".into(),
        url: house.sim.url(),
        login: "holdfast@pve!holdfast".into(),
        secret,
        fingerprint: String::new(),
    };
    clusters::create(&house.control, &SYSTEM, form.parse(true).unwrap())
        .await
        .unwrap();
    let detail = clusters::get(&house.control, &SYSTEM, "least").await;
    detail.unwrap().view.id
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_that_the_documentation_names_are_enough() {
    let house = House::new().await;
    let secret = least(&house.sim, ROLE).await;
    let cluster = add_least(&house, secret).await;
    let found = clusters::findings(&house.control, &SYSTEM, cluster)
        .await
        .unwrap();
    assert_eq!(found.missing, []);
    let site = site(&house, cluster).await;
    let form = model::containers::ContainerForm {
        site: site.to_string(),
        ..house.form("web", crate::house::NGINX)
    };
    let created = house.create(&form).await.unwrap();
    let job = house.ended(created.job).await;
    assert_eq!(
        job.row.state,
        JobState::Done,
        "{job:?}\n{}",
        house.log(created.job).await
    );
    let job = house.delete(created.id, "web").await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_right_that_is_missing_is_named() {
    let house = House::new().await;
    let without = ROLE
        .replace("Sys.AccessNetwork", "")
        .replace("VM.PowerMgmt", "");
    let secret = least(&house.sim, without.trim()).await;
    let cluster = add_least(&house, secret).await;
    let found = clusters::findings(&house.control, &SYSTEM, cluster)
        .await
        .unwrap();
    let named: Vec<&str> = found
        .missing
        .iter()
        .filter_map(|missing| match missing {
            Missing::Privilege { privilege, .. } => Some(privilege.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(named, ["VM.PowerMgmt", "Sys.AccessNetwork"], "{found:?}");
}
