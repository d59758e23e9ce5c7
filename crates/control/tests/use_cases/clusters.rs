//! Clusters: adding, importing containers, drift, certificate changes and deletion.

use control::{Actor, clusters, containers, sites};
use model::{
    ClusterId, Error,
    clusters::{ClusterForm, ImportRequest, UnmetRequirement},
    containers::{Drift, Status},
    jobs::JobState,
    names::Label,
    sites::SiteForm,
};
use proxmox_sim::{Config, Sim, Transport};

use crate::test_app::{TestApp, wait_for};

pub const SYSTEM: Actor = Actor::System;

/// Starts a second cluster with TLS and without containers of Holdfast.
pub async fn second_cluster() -> Sim {
    proxmox_sim::start(Config {
        transport: Transport::Tls,
        ..Config::standalone("a root password")
    })
    .await
    .unwrap()
}

pub fn form(sim: &Sim) -> ClusterForm {
    ClusterForm {
        name: "home".into(),
        url: sim.url(),
        account: "root@pam".into(),
        secret: "a root password".into(),
        fingerprint: sim.fingerprint().unwrap_or_default(),
    }
}

async fn add(app: &TestApp, sim: &Sim) -> ClusterId {
    let spec = form(sim).parse(true).unwrap();
    clusters::create(&app.control, &SYSTEM, spec).await.unwrap();
    detail(app).await.view.id
}

async fn detail(app: &TestApp) -> model::clusters::ClusterDetail {
    clusters::get(&app.control, &SYSTEM, "home").await.unwrap()
}

/// Creates a site on the second cluster, in the network of its containers.
pub async fn site(app: &TestApp, cluster: ClusterId) -> model::SiteId {
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
    sites::create(&app.control, &SYSTEM, form.parse().unwrap())
        .await
        .unwrap()
}

fn field(error: &Error) -> &str {
    &error.field_errors()[0].field
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster_is_added_after_its_fingerprint_is_confirmed() {
    let (app, sim) = (TestApp::new().await, second_cluster().await);
    let control = &app.control;
    let presented = clusters::fetch_certificate(control, &SYSTEM, sim.url().parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        presented.fingerprint.map(|print| print.to_string()),
        sim.fingerprint()
    );
    let other_account = ClusterForm {
        fingerprint: "ab".repeat(32),
        ..form(&sim)
    };
    let refused = clusters::create(control, &SYSTEM, other_account.parse(true).unwrap()).await;
    assert_eq!(field(&refused.unwrap_err()), "fingerprint");
    let wrong = ClusterForm {
        secret: "not it".into(),
        ..form(&sim)
    };
    let refused = clusters::create(control, &SYSTEM, wrong.parse(true).unwrap()).await;
    assert_eq!(field(&refused.unwrap_err()), "secret");
    let unreachable = ClusterForm {
        url: "https://127.0.0.1:1".into(),
        ..form(&sim)
    };
    let refused = clusters::create(control, &SYSTEM, unreachable.parse(true).unwrap()).await;
    assert_eq!(field(&refused.unwrap_err()), "url");

    add(&app, &sim).await;
    let detail = detail(&app).await;
    assert_eq!(detail.view.nodes.len(), 2, "{detail:?}");
    assert_eq!(detail.view.last_error, None);
    assert_eq!(detail.unmanaged.len(), 4, "{:?}", detail.unmanaged);
    let duplicate = clusters::create(control, &SYSTEM, form(&sim).parse(true).unwrap()).await;
    assert_eq!(field(&duplicate.unwrap_err()), "name");
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_list_missing_storage_and_bridge() {
    let (app, sim) = (TestApp::new().await, second_cluster().await);
    let id = add(&app, &sim).await;
    let findings = clusters::check(&app.control, &SYSTEM, id).await.unwrap();
    // The simulator serves all nodes at one address. Some networks answer connections to any
    // address, so findings about certificates of other nodes are ignored.
    let missing = findings.missing.iter();
    let missing: Vec<_> = missing
        .filter(|missing| !matches!(missing, UnmetRequirement::Certificate { .. }))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let bridges: Vec<String> = findings.bridges.iter().map(ToString::to_string).collect();
    assert_eq!(bridges, ["vmbr0"]);
    assert!(!findings.template_storages().is_empty() && !findings.volume_storages().is_empty());

    let mut config = Config::standalone("a root password");
    config.scenario.storages.retain_mut(|storage| {
        storage.content.retain(|kind| *kind != "vztmpl");
        true
    });
    config.scenario.bridges.clear();
    config.transport = Transport::Tls;
    let incomplete = proxmox_sim::start(config).await.unwrap();
    let spec = ClusterForm {
        name: "incomplete".into(),
        ..form(&incomplete)
    };
    clusters::create(&app.control, &SYSTEM, spec.parse(true).unwrap())
        .await
        .unwrap();
    let id = clusters::get(&app.control, &SYSTEM, "incomplete")
        .await
        .unwrap()
        .view
        .id;
    let findings = clusters::check(&app.control, &SYSTEM, id).await.unwrap();
    assert!(
        findings
            .missing
            .contains(&UnmetRequirement::TemplateStorage),
        "{findings:?}"
    );
    assert!(
        findings.missing.contains(&UnmetRequirement::Bridge),
        "{findings:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_import_creates_no_duplicates() {
    let (app, sim) = (TestApp::new().await, second_cluster().await);
    let cluster = add(&app, &sim).await;
    let site = site(&app, cluster).await;
    app.create_user("ann", Default::default()).await;
    let vmids: Vec<u32> = detail(&app)
        .await
        .unmanaged
        .iter()
        .map(|guest| guest.vmid)
        .collect();
    let import = ImportRequest {
        site: site.to_string(),
        owner: "ann".into(),
        vmids: vmids.clone(),
    };
    let first = clusters::import(&app.control, &SYSTEM, cluster, import.clone())
        .await
        .unwrap();
    let imported: Vec<&Label> = first
        .iter()
        .filter_map(|result| result.outcome.as_ref().ok())
        .collect();
    assert!(imported.len() >= 2, "{first:?}");
    let repeated = clusters::import(&app.control, &SYSTEM, cluster, import)
        .await
        .unwrap();
    assert!(
        repeated.iter().all(|result| result.outcome.is_err()),
        "{repeated:?}"
    );
    let left = detail(&app).await.unmanaged;
    assert_eq!(left.len(), vmids.len() - imported.len());

    let name = imported[0].clone();
    let view = containers::get(&app.control, &SYSTEM, &"home".parse().unwrap(), &name)
        .await
        .unwrap();
    assert_eq!(view.row.owner.to_string(), "ann");
    assert_eq!(view.spec.source.to_string(), "imported");
    // An imported container is fully managed and can be deleted.
    let job = containers::delete(&app.control, &SYSTEM, view.row.id, name.as_str())
        .await
        .unwrap();
    let job = app.wait_for_job(job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(sim.handle().container(view.vmid).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn import_reports_invalid_fields_and_unknown_containers() {
    let (app, sim) = (TestApp::new().await, second_cluster().await);
    let cluster = add(&app, &sim).await;
    let site = site(&app, cluster).await;
    let import = |site: String, owner: &str, vmids: Vec<u32>| ImportRequest {
        site,
        owner: owner.into(),
        vmids,
    };
    let run_import = async |import| clusters::import(&app.control, &SYSTEM, cluster, import).await;
    let refused = run_import(import(site.to_string(), "nobody", vec![100])).await;
    assert_eq!(field(&refused.unwrap_err()), "owner");
    let refused = run_import(import(app.site.to_string(), "admin", vec![100])).await;
    assert_eq!(field(&refused.unwrap_err()), "site");
    let refused = run_import(import(site.to_string(), "admin", vec![])).await;
    assert_eq!(field(&refused.unwrap_err()), "vmids");
    let none = run_import(import(site.to_string(), "admin", vec![99_999]))
        .await
        .unwrap();
    assert!(none[0].outcome.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_cluster_certificate_blocks_requests_until_confirmed() {
    let (app, sim) = (TestApp::new().await, second_cluster().await);
    let id = add(&app, &sim).await;
    let new = sim.handle().renew_certificate().unwrap().unwrap();
    let view = wait_for("the changed certificate", async || {
        let view = detail(&app).await.view;
        view.changed.is_some().then_some(view)
    })
    .await;
    assert_eq!(view.changed.unwrap().to_string(), new);
    assert!(view.last_error.unwrap().contains("certificate"));

    let confirmed = ClusterForm {
        secret: String::new(),
        fingerprint: new,
        ..form(&sim)
    };
    clusters::update(&app.control, &SYSTEM, id, confirmed.parse(false).unwrap())
        .await
        .unwrap();
    wait_for("a connection to the cluster", async || {
        detail(&app).await.view.last_error.is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_secret_is_not_sent_to_another_address_or_account() {
    let (app, sim) = (TestApp::new().await, second_cluster().await);
    let id = add(&app, &sim).await;
    let other_cluster = proxmox_sim::start(Config {
        transport: Transport::Tls,
        ..Config::standalone("other")
    })
    .await
    .unwrap();
    let moved = ClusterForm {
        secret: String::new(),
        ..form(&other_cluster)
    };
    let refused = clusters::update(&app.control, &SYSTEM, id, moved.parse(false).unwrap()).await;
    assert_eq!(field(&refused.unwrap_err()), "secret");
    let other_account = ClusterForm {
        account: "anna@pve".into(),
        secret: String::new(),
        ..form(&sim)
    };
    let refused = clusters::update(
        &app.control,
        &SYSTEM,
        id,
        other_account.parse(false).unwrap(),
    )
    .await;
    assert_eq!(field(&refused.unwrap_err()), "secret");
    assert!(other_cluster.handle().request_counts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster_with_sites_cannot_be_deleted() {
    let (app, sim) = (TestApp::new().await, second_cluster().await);
    let id = add(&app, &sim).await;
    let site = site(&app, id).await;
    let refused = clusters::delete(&app.control, &SYSTEM, id, "home").await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );
    sites::delete(&app.control, &SYSTEM, site, "home")
        .await
        .unwrap();
    let typo = clusters::delete(&app.control, &SYSTEM, id, "hom").await;
    assert_eq!(field(&typo.unwrap_err()), "confirm");
    clusters::delete(&app.control, &SYSTEM, id, "home")
        .await
        .unwrap();
    let deleted = clusters::get(&app.control, &SYSTEM, "home").await;
    assert!(matches!(deleted, Err(Error::NotFound { .. })));
    assert_eq!(
        clusters::list(&app.control, &SYSTEM).await.unwrap().len(),
        1
    );
    // The remaining cluster shows that polling went on for several intervals.
    let requests = sim.handle().request_counts();
    let polls = || {
        let requests = app.sim.handle().request_counts();
        requests.get("GET /cluster/resources").copied()
    };
    let before = polls().expect("the cluster is polled");
    wait_for("several polls of the other cluster", async || {
        polls().filter(|polls| *polls > before + 3)
    })
    .await;
    assert_eq!(
        sim.handle().request_counts(),
        requests,
        "a deleted cluster is not polled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_outside_holdfast_are_detected() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    let to = if view.node.as_str() == "pve1" {
        "pve2"
    } else {
        "pve1"
    };
    assert!(app.sim.handle().stop_container(view.vmid));
    assert!(app.sim.handle().move_container(view.vmid, to));
    assert!(app.sim.handle().rename_container(view.vmid, "other"));
    let drift = wait_for("drift after the move", async || {
        let view = app.view("web").await;
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
        &app.control,
        &SYSTEM,
        view.row.id,
        model::containers::Power::Start,
    )
    .await
    .unwrap();
    let done = app.wait_for_job(job).await;
    assert_eq!(done.row.state, JobState::Done, "{done:?}");
    assert_eq!(app.view("web").await.node.to_string(), to);
    assert!(app.log(job).await.contains("migrated in Proxmox"));

    assert!(app.sim.handle().remove_container(view.vmid));
    wait_for("status missing", async || {
        (app.view("web").await.row.status == Status::Missing).then_some(())
    })
    .await;
}
