//! Crash recovery: a killed server loses no work, the next process continues it.

use std::time::Duration;

use control::{Actor, Control, containers, jobs, setup, users};
use model::{
    JobId,
    containers::{ContainerQuery, ContainerRow},
    jobs::{JobKind, JobQuery, JobRow, JobState, JobView},
};
use proxmox_sim::{Config, Delays, Sim};

use crate::{process::Program, support};
use support::wait_for;

/// A cluster slow enough for an interruption.
async fn slow_cluster() -> Sim {
    let mut config = Config::test();
    config.delays = Delays {
        create: Duration::from_secs(2),
        ..config.delays
    };
    proxmox_sim::start(config).await.unwrap()
}

/// Queues the creation of a container; no worker is running.
async fn queue_creation(control: &Control, sim: &Sim) -> JobId {
    let site = support::create_site(control, sim).await;
    let form = support::container_form(site, "web");
    containers::create(control, &Actor::System, form.parse().unwrap())
        .await
        .unwrap()
        .job
}

async fn job(control: &Control, id: JobId) -> JobView {
    jobs::get(control, &Actor::System, id).await.unwrap()
}

#[tokio::test]
async fn interrupted_creation_is_completed_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let sim = slow_cluster().await;
    let control = support::control(&data).await;
    setup::create_first_administrator(&control).await.unwrap();
    let id = queue_creation(&control, &sim).await;
    assert_eq!(job(&control, id).await.row.state, JobState::Queued);

    let environment = [("HOLDFAST_DEMO", "false")];
    let first = Program::serve(folder.path(), &environment);
    wait_for("the creation at Proxmox", async || {
        sim.handle().containers().pop()
    })
    .await;
    first.kill();
    assert_eq!(
        job(&control, id).await.row.state,
        JobState::Running,
        "the job was interrupted while running"
    );

    let _second = Program::serve(folder.path(), &environment);
    let ended = wait_for("the end of the job", async || {
        Some(job(&control, id).await).filter(|job| job.row.state.has_ended())
    })
    .await;
    assert_eq!(ended.row.state, JobState::Done, "{:?}", ended.row);
    let containers = sim.handle().containers();
    assert_eq!(containers.len(), 1, "exactly one container is created");
    assert!(containers[0].running && containers[0].lock.is_none());
}

/// The containers of the demo, read while the program creates it.
async fn demo_containers(control: &Control) -> Vec<ContainerRow> {
    let query = ContainerQuery::default();
    let page = containers::list(control, &Actor::System, &query).await;
    page.unwrap().rows
}

#[tokio::test]
async fn demo_creation_survives_kills_without_duplicates() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Program::serve(folder.path(), &[("HOLDFAST_DEMO", "full")]);
    let first = start();
    first.line_after("Holdfast is at ");
    let data = folder.path().join("data");
    let control = support::control(&data).await;
    wait_for("the first containers", async || {
        (demo_containers(&control).await.len() > 3).then_some(())
    })
    .await;
    first.kill();

    let second = start();
    wait_for("running containers", async || {
        let rows = demo_containers(&control).await;
        let jobs = jobs::list(&control, &Actor::System, &JobQuery::default()).await;
        let done = |job: &JobRow| job.state == JobState::Done;
        (rows.len() > 10 && jobs.unwrap().rows.iter().any(done)).then_some(())
    })
    .await;
    second.kill();

    let third = start();
    wait_for("the end of the demo", async || {
        let complete = setup::demo::is_complete(&control).await.unwrap();
        complete.then_some(())
    })
    .await;
    let rows = demo_containers(&control).await;
    assert_eq!(rows.len(), 12, "{rows:?}");
    let users = users::list(&control, &Actor::System, "", None, 1)
        .await
        .unwrap();
    assert_eq!(users.total, 5);
    let query = JobQuery::default();
    let history = jobs::list(&control, &Actor::System, &query).await.unwrap();
    let created = history
        .rows
        .iter()
        .filter(|job| job.kind == JobKind::Create);
    assert_eq!(created.count(), 12, "{:?}", history.rows);
    let failed = history
        .rows
        .iter()
        .filter(|job| job.state == JobState::Failed);
    let failed: Vec<&str> = failed.map(|job| job.container_name.as_str()).collect();
    assert_eq!(failed, ["shop-staging"]);

    let shop = rows.iter().find(|row| row.name.as_str() == "shop-staging");
    let delete = containers::delete(&control, &Actor::System, shop.unwrap().id, "shop-staging");
    delete.await.unwrap();
    wait_for("the end of the container", async || {
        (demo_containers(&control).await.len() == 11).then_some(())
    })
    .await;
    third.kill();
    let mut fourth = start();
    fourth.line_after("Holdfast is at ");
    assert!(fourth.terminate().await.success());
    assert_eq!(demo_containers(&control).await.len(), 11);
}
