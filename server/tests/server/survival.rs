//! A server that is killed in the middle of its work loses nothing: the next one goes on.

use std::time::Duration;

use control::{Actor, Control, containers, jobs, setup, users};
use model::{
    JobId,
    containers::{ContainerForm, ContainerQuery, ContainerRow},
    jobs::{JobKind, JobQuery, JobRow, JobState, JobView},
};
use proxmox_sim::{Config, Delays, Sim};

use crate::{process::Program, support};
use support::until;

/// A cluster that is slow enough to be interrupted.
async fn slow_cluster() -> Sim {
    let mut config = Config::test();
    config.delays = Delays {
        create: Duration::from_secs(2),
        ..config.delays
    };
    proxmox_sim::start(config).await.unwrap()
}

/// Asks for a container, which nobody works on yet.
async fn ask(control: &Control, sim: &Sim) -> JobId {
    let site = support::create_site(control, sim).await;
    let form = ContainerForm {
        site: site.to_string(),
        name: "web".into(),
        source: Config::test().scenario.templates[0].file.clone(),
        cores: "1".into(),
        memory: "512".into(),
        disk: "4".into(),
        ..ContainerForm::default()
    };
    containers::create(control, &Actor::System, form.parse().unwrap())
        .await
        .unwrap()
        .job
}

async fn job(control: &Control, id: JobId) -> JobView {
    jobs::get(control, &Actor::System, id).await.unwrap()
}

#[tokio::test]
async fn a_creation_that_a_kill_interrupted_is_done_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let sim = slow_cluster().await;
    let control = support::control(&data).await;
    setup::first_run(&control).await.unwrap();
    let id = ask(&control, &sim).await;
    assert_eq!(job(&control, id).await.row.state, JobState::Queued);

    let environment = [("HOLDFAST_DEMO", "false")];
    let first = Program::serve(folder.path(), &environment);
    until("the creation at Proxmox", async || {
        sim.handle().containers().pop()
    })
    .await;
    first.kill();
    assert_eq!(
        job(&control, id).await.row.state,
        JobState::Running,
        "in the middle of it"
    );

    let _second = Program::serve(folder.path(), &environment);
    let ended = until("the end of the job", async || {
        Some(job(&control, id).await).filter(|job| job.row.state.ended())
    })
    .await;
    assert_eq!(ended.row.state, JobState::Done, "{:?}", ended.row);
    let made = sim.handle().containers();
    assert_eq!(made.len(), 1, "one container, not two");
    assert!(made[0].running && made[0].lock.is_none());
}

/// The demo of a data folder, looked at beside the program that creates it.
async fn demo_containers(control: &Control) -> Vec<ContainerRow> {
    let query = ContainerQuery::default();
    let page = containers::list(control, &Actor::System, &query).await;
    page.unwrap().rows
}

#[tokio::test]
async fn demo_is_completed_once_after_kills() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Program::serve(folder.path(), &[("HOLDFAST_DEMO", "full")]);
    let first = start();
    first.says("Holdfast is at ");
    let data = folder.path().join("data");
    let control = support::control(&data).await;
    until("the first containers", async || {
        (demo_containers(&control).await.len() > 3).then_some(())
    })
    .await;
    first.kill();

    let second = start();
    until("running containers", async || {
        let rows = demo_containers(&control).await;
        let jobs = jobs::list(&control, &Actor::System, &JobQuery::default()).await;
        let done = |job: &JobRow| job.state == JobState::Done;
        (rows.len() > 10 && jobs.unwrap().rows.iter().any(done)).then_some(())
    })
    .await;
    second.kill();

    let third = start();
    until("the end of the demo", async || {
        let complete = setup::demo::is_complete(&control).await.unwrap();
        complete.then_some(())
    })
    .await;
    let rows = demo_containers(&control).await;
    assert_eq!(rows.len(), 12, "{rows:?}");
    let users = users::list(&control, &Actor::System, "", 1).await.unwrap();
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
    until("the end of the container", async || {
        (demo_containers(&control).await.len() == 11).then_some(())
    })
    .await;
    third.kill();
    let mut fourth = start();
    fourth.says("Holdfast is at ");
    assert!(fourth.terminate().await.success());
    assert_eq!(demo_containers(&control).await.len(), 11);
}
