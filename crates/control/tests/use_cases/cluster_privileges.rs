//! The privileges that a restricted API token needs.

use control::{clusters, jobs, sites};
use model::{
    ClusterId,
    clusters::{ClusterForm, UnmetRequirement},
    jobs::JobState,
};
use proxmox_sim::Sim;

use crate::{
    clusters::{SYSTEM, site},
    images,
    test_app::{NGINX, TestApp},
};

/// The privileges that docs/clusters.md lists.
const ROLE: &str = "VM.Allocate VM.Audit VM.PowerMgmt VM.Config.CPU VM.Config.Memory VM.Config.Disk VM.Config.Network VM.Config.Options Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit SDN.Use Sys.Audit Sys.AccessNetwork";

/// The privileges that docs/clusters.md lists for the deletion of images.
const IMAGES_ROLE: &str =
    "Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit";

/// Sends a request as `root@pam` and returns the body of its response.
async fn request(sim: &Sim, method: &str, path: &str, form: &[(&str, &str)]) -> String {
    let response = reqwest::Client::new()
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
    let status = response.status();
    let body = response.text().await.unwrap();
    assert!(status.is_success(), "{path}: {status} {body}");
    body
}

/// Creates a role and grants it to the account at a path.
async fn grant(sim: &Sim, role: &str, privileges: &str, path: &str) {
    let form = [("roleid", role), ("privs", privileges)];
    request(sim, "POST", "/access/roles", &form).await;
    let form = [("path", path), ("users", "holdfast@pve"), ("roles", role)];
    request(sim, "PUT", "/access/acl", &form).await;
}

/// Creates the account, role and token from docs/clusters.md and returns the token's secret.
async fn create_restricted_token(sim: &Sim, privileges: &str) -> String {
    request(sim, "POST", "/access/users", &[("userid", "holdfast@pve")]).await;
    grant(sim, "Holdfast", privileges, "/").await;
    let token = "/access/users/holdfast@pve/token/holdfast";
    let response = request(sim, "POST", token, &[("privsep", "0")]).await;
    let value = response.split("\"value\":\"").nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}

async fn add_restricted_cluster(app: &TestApp, secret: String) -> ClusterId {
    let form = ClusterForm {
        name: "restricted".into(),
        url: app.sim.url(),
        account: "holdfast@pve!holdfast".into(),
        secret,
        fingerprint: String::new(),
    };
    clusters::create(&app.control, &SYSTEM, form.parse(true).unwrap())
        .await
        .unwrap();
    let detail = clusters::get(&app.control, &SYSTEM, "restricted").await;
    detail.unwrap().view.id
}

#[tokio::test(flavor = "multi_thread")]
async fn documented_privileges_are_sufficient() {
    let app = TestApp::new().await;
    let secret = create_restricted_token(&app.sim, ROLE).await;
    let cluster = add_restricted_cluster(&app, secret).await;
    let findings = clusters::check(&app.control, &SYSTEM, cluster)
        .await
        .unwrap();
    assert_eq!(findings.missing, []);
    let site = site(&app, cluster).await;
    let form = model::containers::ContainerForm {
        site: site.to_string(),
        ..app.form("web", NGINX)
    };
    let created = app.create(&form).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(
        job.row.state,
        JobState::Done,
        "{job:?}\n{}",
        app.log(created.job).await
    );
    let job = app.delete(created.id, "web").await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_privilege_is_reported() {
    let app = TestApp::new().await;
    let without = ROLE
        .replace("Sys.AccessNetwork", "")
        .replace("VM.PowerMgmt", "");
    let secret = create_restricted_token(&app.sim, without.trim()).await;
    let cluster = add_restricted_cluster(&app, secret).await;
    let findings = clusters::check(&app.control, &SYSTEM, cluster)
        .await
        .unwrap();
    let privileges: Vec<&str> = findings
        .missing
        .iter()
        .filter_map(|missing| match missing {
            UnmetRequirement::Privilege { privilege, .. } => Some(privilege.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        privileges,
        ["VM.PowerMgmt", "Sys.AccessNetwork"],
        "{findings:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unused_images_are_deleted_with_the_documented_privilege() {
    let app = TestApp::new().await;
    let secret = create_restricted_token(&app.sim, ROLE).await;
    let cluster = add_restricted_cluster(&app, secret).await;
    let site = site(&app, cluster).await;
    let rows = sites::list(&app.control, &SYSTEM).await.unwrap();
    let mut spec = rows.into_iter().find(|row| row.id == site).unwrap().spec;
    spec.image_quota = "1 GiB".parse().unwrap();
    sites::update(&app.control, &SYSTEM, site, spec)
        .await
        .unwrap();
    images::add_archive(&app.sim, "old.tar");
    images::record(&app, site, "old.tar", 2048, 31).await;

    let form = model::containers::ContainerForm {
        site: site.to_string(),
        ..app.form("web", NGINX)
    };
    let created = app.create(&form).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Failed);
    let details = job.details.unwrap();
    assert!(details.contains("Datastore.Allocate"), "{details}");

    grant(&app.sim, "HoldfastImages", IMAGES_ROLE, "/storage/local").await;
    jobs::retry(&app.control, &SYSTEM, created.job, "")
        .await
        .unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(!images::has_archive(&app.sim, "old.tar"));
}
