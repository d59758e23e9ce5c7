//! The quota of a site's pulled images.

use model::{
    SiteId, Timestamp,
    containers::{ContainerForm, CreatedContainer},
    jobs::{JobState, JobView, StepState},
};
use proxmox_sim::{Effect, Sim};
use store::images::{self, DeletionClaim, PulledImage};

use crate::test_app::{NGINX, TestApp};

const DAY_MS: i64 = 24 * 3600 * 1000;
const POSTGRES: &str = "docker.io/library/postgres:17";

/// Records an archive of a site that was used some days ago.
pub async fn record(app: &TestApp, site: SiteId, file: &str, size_mib: u64, days: i64) {
    record_on(app, "pve1", site, file, size_mib, days).await;
}

async fn record_on(app: &TestApp, node: &str, site: SiteId, file: &str, size_mib: u64, days: i64) {
    let now = app.control.store().now().await.unwrap();
    let image = PulledImage {
        node: node.parse().unwrap(),
        storage: "local".parse().unwrap(),
        file: file.parse().unwrap(),
        size: size_mib << 20,
        used: Timestamp(now.0 - days * DAY_MS),
    };
    let write = move |c: &mut store::Conn| images::record(c, site, &image, false);
    assert!(app.control.store().write(write).await.unwrap());
}

async fn files(app: &TestApp) -> Vec<String> {
    let site = app.site;
    let images = app.control.store().read(move |c| images::list(c, site));
    let images = images.await.unwrap();
    images.iter().map(|image| image.file.to_string()).collect()
}

pub fn add_archive(sim: &Sim, file: &str) {
    assert!(sim.handle().add_image("pve1", NGINX, file));
}

pub fn has_archive(sim: &Sim, file: &str) -> bool {
    let volumes = sim.handle().volumes("pve1");
    volumes.contains(&format!("local:vztmpl/{file}"))
}

async fn create(app: &TestApp, name: &str, source: &str) -> (CreatedContainer, JobView) {
    let created = app.create(&app.form(name, source)).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    (created, job)
}

async fn limited_app() -> TestApp {
    let app = TestApp::new().await;
    app.update_site(|site| site.image_quota = "1 GiB".parse().unwrap())
        .await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn pulled_images_are_counted() {
    let app = limited_app().await;
    let (_, job) = create(&app, "web", NGINX).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    let name = NGINX.parse::<model::image::ImageRef>().unwrap().file_name();
    assert_eq!(files(&app).await, std::slice::from_ref(&name));
    let as_template = app.create(&app.form("other", &name)).await.unwrap_err();
    assert_eq!(as_template.field_errors()[0].field, "source");
    let row = control::sites::list(&app.control, &control::Actor::System)
        .await
        .unwrap();
    assert_eq!(row[0].images.0, 67 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn image_is_pulled_again_only_on_request() {
    let app = TestApp::new().await;
    let file = NGINX.parse::<model::image::ImageRef>().unwrap().file_name();
    for node in ["pve1", "pve2"] {
        assert!(app.sim.handle().add_image(node, NGINX, &file));
    }
    let titles = |job: &JobView| -> Vec<(String, StepState)> {
        let steps = job.steps.iter().take(2);
        steps.map(|step| (step.title.clone(), step.state)).collect()
    };
    let (_, job) = create(&app, "web", NGINX).await;
    assert_eq!(titles(&job)[0], ("Pull image".into(), StepState::Skipped));

    let form = ContainerForm {
        pull_again: true,
        ..app.form("web-2", NGINX)
    };
    let created = app.create(&form).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    let expected = ["Delete old image", "Pull image"];
    assert_eq!(
        titles(&job),
        expected.map(|title| (title.into(), StepState::Done))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn archive_that_holdfast_did_not_pull_is_used_and_not_recorded() {
    let app = limited_app().await;
    let file = NGINX.parse::<model::image::ImageRef>().unwrap().file_name();
    for node in ["pve1", "pve2"] {
        assert!(app.sim.handle().add_image(node, NGINX, &file));
    }
    let (_, job) = create(&app, "web", NGINX).await;
    assert_eq!(job.steps[0].state, StepState::Skipped);
    assert!(files(&app).await.is_empty());

    // Another site of the cluster may have pulled the archive.
    for node in ["pve1", "pve2"] {
        record_on(&app, node, app.site, &file, 100, 40).await;
    }
    let (_, job) = create(&app, "web-2", NGINX).await;
    assert_eq!(job.steps[0].state, StepState::Skipped);
    let site = app.site;
    let images = app.control.store().read(move |c| images::list(c, site));
    let images = images.await.unwrap();
    let is_recorded = images.iter().any(|image| image.size == 67 << 20);
    assert!(is_recorded, "the use is recorded: {images:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unused_images_are_deleted_when_the_quota_is_reached() {
    let app = limited_app().await;
    for file in ["old.tar", "older.tar", "recent.tar", "unrecorded.tar"] {
        add_archive(&app.sim, file);
    }
    record(&app, app.site, "old.tar", 600, 31).await;
    record(&app, app.site, "older.tar", 200, 300).await;
    record(&app, app.site, "recent.tar", 100, 29).await;
    let (_, job) = create(&app, "web", NGINX).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(has_archive(&app.sim, "old.tar"), "the quota is not reached");

    record(&app, app.site, "recent.tar", 300, 29).await;
    let (created, job) = create(&app, "db", POSTGRES).await;
    let log = app.log(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}\n{log}");
    assert!(!has_archive(&app.sim, "old.tar") && !has_archive(&app.sim, "older.tar"));
    assert!(has_archive(&app.sim, "recent.tar") && has_archive(&app.sim, "unrecorded.tar"));
    assert!(log.contains("Deleted 2 unused images (800 MiB)."), "{log}");
    assert!(!log.contains("old.tar"), "{log}");
    assert_eq!(files(&app).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_is_refused_while_used_images_fill_the_quota() {
    let app = limited_app().await;
    create(&app, "web", NGINX).await;
    add_archive(&app.sim, "used.tar");
    record(&app, app.site, "used.tar", 1024, 1).await;
    let (_, job) = create(&app, "db", POSTGRES).await;
    assert_eq!(job.row.state, JobState::Failed);
    assert!(has_archive(&app.sim, "used.tar"));
    let error = job.row.error.unwrap();
    assert!(
        error.starts_with("The images of lab use 1.1 GiB of 1 GiB."),
        "{error}"
    );

    // A user deleted the archive in Proxmox.
    record(&app, app.site, "gone.tar", 4096, 1).await;
    record(&app, app.site, "used.tar", 100, 1).await;
    let (_, job) = create(&app, "db-2", POSTGRES).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(!files(&app).await.contains(&"gone.tar".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn image_that_exceeds_the_quota_is_deleted_after_its_pull() {
    let app = limited_app().await;
    add_archive(&app.sim, "used.tar");
    record(&app, app.site, "used.tar", 1000, 1).await;
    let (_, job) = create(&app, "db", POSTGRES).await;
    assert_eq!(job.row.state, JobState::Failed, "{job:?}");
    let error = job.row.error.unwrap();
    assert!(error.contains("24 MiB of 1 GiB are left"), "{error}");
    let file = POSTGRES.parse::<model::image::ImageRef>().unwrap();
    assert!(!has_archive(&app.sim, &file.file_name()));
    assert_eq!(files(&app).await, ["used.tar"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_pull_counts() {
    let app = limited_app().await;
    app.inject_fault(
        "POST",
        "/nodes/{node}/storage/{storage}/oci-registry-pull",
        Effect::FailTask("connection reset".into()),
    );
    let (_, job) = create(&app, "db", POSTGRES).await;
    assert_eq!(job.row.state, JobState::Failed, "{job:?}");
    let file = POSTGRES.parse::<model::image::ImageRef>().unwrap();
    let file = file.file_name();
    assert_eq!(files(&app).await, std::slice::from_ref(&file));
    // The archive appears although no job waited for it.
    for node in ["pve1", "pve2"] {
        assert!(app.sim.handle().add_image(node, POSTGRES, &file));
    }
    create(&app, "web", NGINX).await;
    let site = app.site;
    let images = app.control.store().read(move |c| images::list(c, site));
    let images = images.await.unwrap();
    assert!(images.iter().all(|image| image.size > 0), "{images:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn image_that_another_job_deletes_is_pulled_again() {
    let app = limited_app().await;
    let file = NGINX.parse::<model::image::ImageRef>().unwrap().file_name();
    for node in ["pve1", "pve2"] {
        assert!(app.sim.handle().add_image(node, NGINX, &file));
    }
    let site = app.site;
    for node in ["pve1", "pve2"] {
        let image = PulledImage {
            node: node.parse().unwrap(),
            storage: "local".parse().unwrap(),
            file: file.parse().unwrap(),
            size: 1,
            used: Timestamp(1),
        };
        let write = move |c: &mut store::Conn| {
            images::record(c, site, &image, false)?;
            images::claim_deletion(c, site, &image, Timestamp(2), 2_000)
        };
        let claim = app.control.store().write(write).await.unwrap();
        assert_eq!(claim, DeletionClaim::Claimed);
    }
    let (created, job) = create(&app, "web", NGINX).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    let log = app.log(created.job).await;
    assert!(log.contains("Another job is deleting"), "{log}");
}
