//! Jobs when Proxmox fails: errors, lost responses, outages, locks and cancellation.

use std::time::Duration;

use control::{Actor, containers, jobs};
use model::{
    Error,
    containers::{CreationFailure, Status},
    jobs::{JobState, StepState},
};
use proxmox_sim::{Config, Effect};

use crate::test_app::{NGINX, TestApp, wait_for};

const CREATE: &str = "/nodes/{node}/lxc";
const DELETE: &str = "/nodes/{node}/lxc/{vmid}";
const START: &str = "/nodes/{node}/lxc/{vmid}/status/start";
const PULL: &str = "/nodes/{node}/storage/{storage}/oci-registry-pull";

#[tokio::test(flavor = "multi_thread")]
async fn unknown_image_fails_with_a_message_and_leaves_nothing() {
    let app = TestApp::new().await;
    let created = app
        .create(&app.form("web", "docker.io/library/nosuch:1"))
        .await
        .unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Failed);
    let error = job.row.error.unwrap();
    assert_eq!(
        error,
        "The image docker.io/library/nosuch:1 does not exist, or the registry requires a sign-in."
    );
    assert!(job.details.is_some(), "Proxmox's own error message is kept");
    assert!(job.can_retry && job.leftovers.is_empty());
    let view = app.view("web").await;
    assert_eq!(view.row.status, Status::Failed);
    let failure = CreationFailure {
        job: created.job,
        message: error,
        can_retry: true,
    };
    assert_eq!(view.creation_failure, Some(failure));
    assert!(app.sim.handle().containers().is_empty());
    app.delete(created.id, "web").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_creation_cannot_be_retried_during_the_deletion() {
    let app = TestApp::new().await;
    let form = app.form("web", "docker.io/library/nosuch:1");
    let created = app.create(&form).await.unwrap();
    app.wait_for_job(created.job).await;
    let can_retry = async || app.view("web").await.creation_failure.unwrap().can_retry;
    assert!(can_retry().await);
    app.sim.handle().close_listener().await;
    let deletion = containers::delete(&app.control, &Actor::System, created.id, "web").await;
    assert!(!can_retry().await);
    app.sim.handle().reopen_listener().await;
    let job = app.wait_for_job(deletion.unwrap()).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_start_rolls_back_and_retry_succeeds() {
    let app = TestApp::new().await;
    app.inject_fault("POST", START, Effect::FailTask("no bridge vmbr0".into()));
    let created = app.create(&app.form("web", NGINX)).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Failed, "{job:?}");
    assert_eq!(job.details.as_deref(), Some("no bridge vmbr0"));
    assert!(
        app.sim.handle().containers().is_empty(),
        "the container is removed"
    );
    let step = job
        .steps
        .iter()
        .find(|s| s.title == "Create container")
        .unwrap();
    assert_eq!(step.state, StepState::Undone);
    jobs::retry(&app.control, &Actor::System, created.job, "")
        .await
        .unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert_eq!(app.view("web").await.row.status, Status::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_responses_create_no_second_container() {
    let app = TestApp::new().await;
    for path in [CREATE, START, PULL] {
        app.inject_fault("POST", path, Effect::DropResponse);
    }
    let created = app.create(&app.form("web", NGINX)).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    let log = app.log(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}\n{log}");
    assert_eq!(app.sim.handle().containers().len(), 1);
    assert!(log.contains("Retrying in"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_outage_only_delays_a_job() {
    let mut config = Config::test();
    config.delays.create = Duration::from_millis(300);
    let app = TestApp::with_config(config).await;
    let created = app.create(&app.form("web", NGINX)).await.unwrap();
    wait_for("the start of the creation", async || {
        (!app.sim.handle().containers().is_empty()).then_some(())
    })
    .await;
    app.sim.handle().close_listener().await;
    wait_for("an error on the container", async || {
        let view = app.view("web").await;
        view.last_error.is_some().then_some(())
    })
    .await;
    app.sim.handle().reopen_listener().await;
    let job = app.wait_for_job(created.job).await;
    assert_eq!(
        job.row.state,
        JobState::Done,
        "{job:?}\n{}",
        app.log(created.job).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn job_waits_for_a_locked_container() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    app.sim.handle().set_lock(view.vmid, Some("backup"));
    let job = containers::power(
        &app.control,
        &Actor::System,
        view.row.id,
        model::containers::Power::Stop,
    )
    .await
    .unwrap();
    wait_for("a retry in the job log", async || {
        app.log(job).await.contains("Retrying in").then_some(())
    })
    .await;
    let refused = jobs::cancel(&app.control, &Actor::System, job).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "only a creation can be undone: {refused:?}"
    );
    app.sim.handle().set_lock(view.vmid, None);
    assert_eq!(app.wait_for_job(job).await.row.state, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_deletion_is_retried_only_with_the_name() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    app.inject_fault("DELETE", DELETE, Effect::FailTask("disk is busy".into()));
    let job = app.delete(view.row.id, "web").await;
    assert_eq!(job.row.state, JobState::Failed, "{job:?}");
    let id = job.row.id;
    let refused = jobs::retry(&app.control, &Actor::System, id, "").await;
    assert_eq!(refused.unwrap_err().field_errors()[0].field, "confirm");
    assert!(!app.sim.handle().containers().is_empty());
    jobs::retry(&app.control, &Actor::System, id, "web")
        .await
        .unwrap();
    let job = app.wait_for_job(id).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn canceled_creation_leaves_nothing() {
    let mut config = Config::test();
    config.delays.create = Duration::from_secs(600);
    let app = TestApp::with_config(config).await;
    let created = app.create(&app.form("web", NGINX)).await.unwrap();
    wait_for("the start of the creation", async || {
        (!app.sim.handle().containers().is_empty()).then_some(())
    })
    .await;
    jobs::cancel(&app.control, &Actor::System, created.job)
        .await
        .unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Canceled, "{job:?}");
    assert!(job.leftovers.is_empty(), "{:?}", job.leftovers);
    assert!(
        job.steps
            .iter()
            .all(|step| step.state != StepState::Running),
        "{:?}",
        job.steps
    );
    assert!(app.sim.handle().containers().is_empty());
    assert_eq!(app.view("web").await.row.status, Status::Failed);
    app.delete(created.id, "web").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn container_has_at_most_one_active_job() {
    let mut config = Config::test();
    config.delays.create = Duration::from_secs(600);
    let app = TestApp::with_config(config).await;
    let created = app.create(&app.form("web", NGINX)).await.unwrap();
    let refused = containers::delete(&app.control, &Actor::System, created.id, "web").await;
    assert!(
        matches!(refused, Err(model::Error::Conflict { .. })),
        "{refused:?}"
    );
}
