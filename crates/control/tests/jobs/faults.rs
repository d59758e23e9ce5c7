use std::time::Duration;

use control::{Actor, jobs};
use model::{
    containers::Status,
    jobs::{JobState, StepState},
};
use proxmox_sim::{Config, Effect};

use crate::house::{House, NGINX, until};

const CREATE: &str = "/nodes/{node}/lxc";
const START: &str = "/nodes/{node}/lxc/{vmid}/status/start";
const PULL: &str = "/nodes/{node}/storage/{storage}/oci-registry-pull";

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_does_not_exist_fails_with_a_sentence_and_leaves_nothing() {
    let house = House::new().await;
    let created = house
        .create(&house.form("web", "docker.io/library/nosuch:1"))
        .await
        .unwrap();
    let job = house.ended(created.job).await;
    assert_eq!(job.row.state, JobState::Failed);
    let error = job.row.error.unwrap();
    assert_eq!(
        error,
        "The image docker.io/library/nosuch:1 could not be pulled."
    );
    assert!(job.words.is_some(), "Proxmox's own words are kept");
    assert!(job.can_retry && job.left.is_empty());
    let view = house.view("web").await;
    assert_eq!(view.row.status, Status::Failed);
    assert_eq!(view.failure, Some((created.job, error)));
    assert!(house.sim.handle().containers().is_empty());
    house.delete(created.id, "web").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_start_takes_the_container_back_and_a_retry_makes_it() {
    let house = House::new().await;
    house.fault("POST", START, Effect::FailTask("no bridge vmbr0".into()));
    let created = house.create(&house.form("web", NGINX)).await.unwrap();
    let job = house.ended(created.job).await;
    assert_eq!(job.row.state, JobState::Failed, "{job:?}");
    assert_eq!(job.words.as_deref(), Some("no bridge vmbr0"));
    assert!(
        house.sim.handle().containers().is_empty(),
        "nothing is left"
    );
    let made = job
        .steps
        .iter()
        .find(|s| s.title == "Create the container")
        .unwrap();
    assert_eq!(made.state, StepState::Undone);
    jobs::retry(&house.control, &Actor::System, created.job)
        .await
        .unwrap();
    let job = house.ended(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert_eq!(house.view("web").await.row.status, Status::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_make_no_second_container() {
    let house = House::new().await;
    for path in [CREATE, START, PULL] {
        house.fault("POST", path, Effect::DropAnswer);
    }
    let created = house.create(&house.form("web", NGINX)).await.unwrap();
    let job = house.ended(created.job).await;
    let log = house.log(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}\n{log}");
    assert_eq!(house.sim.handle().containers().len(), 1);
    assert!(log.contains("Trying again"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_away_for_a_while_only_delays() {
    let mut config = Config::test();
    config.delays.create = Duration::from_millis(300);
    let house = House::with(config).await;
    let created = house.create(&house.form("web", NGINX)).await.unwrap();
    until("the creation is under way", async || {
        (!house.sim.handle().containers().is_empty()).then_some(())
    })
    .await;
    house.sim.handle().go_away().await;
    until("the status says so", async || {
        let view = house.view("web").await;
        view.trouble.is_some().then_some(())
    })
    .await;
    house.sim.handle().come_back().await;
    let job = house.ended(created.job).await;
    assert_eq!(
        job.row.state,
        JobState::Done,
        "{job:?}\n{}",
        house.log(created.job).await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_container_is_waited_for() {
    let house = House::new().await;
    let view = house.made("web").await;
    house.sim.handle().set_lock(view.vmid, Some("backup"));
    let job = control::containers::power(
        &house.control,
        &Actor::System,
        view.row.id,
        model::containers::Power::Stop,
    )
    .await
    .unwrap();
    until("the job waits", async || {
        house.log(job).await.contains("Trying again").then_some(())
    })
    .await;
    house.sim.handle().set_lock(view.vmid, None);
    assert_eq!(house.ended(job).await.row.state, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_creation_leaves_nothing() {
    let mut config = Config::test();
    config.delays.create = Duration::from_secs(600);
    let house = House::with(config).await;
    let created = house.create(&house.form("web", NGINX)).await.unwrap();
    until("the creation is under way", async || {
        (!house.sim.handle().containers().is_empty()).then_some(())
    })
    .await;
    jobs::cancel(&house.control, &Actor::System, created.job)
        .await
        .unwrap();
    let job = house.ended(created.job).await;
    assert_eq!(job.row.state, JobState::Cancelled, "{job:?}");
    assert!(job.left.is_empty(), "{:?}", job.left);
    assert!(
        job.steps
            .iter()
            .all(|step| step.state != StepState::Running),
        "{:?}",
        job.steps
    );
    assert!(house.sim.handle().containers().is_empty());
    assert_eq!(house.view("web").await.row.status, Status::Failed);
    house.delete(created.id, "web").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_at_a_time_for_a_container() {
    let mut config = Config::test();
    config.delays.create = Duration::from_secs(600);
    let house = House::with(config).await;
    let created = house.create(&house.form("web", NGINX)).await.unwrap();
    let refused =
        control::containers::delete(&house.control, &Actor::System, created.id, "web").await;
    assert!(
        matches!(refused, Err(model::Error::Conflict { .. })),
        "{refused:?}"
    );
}
