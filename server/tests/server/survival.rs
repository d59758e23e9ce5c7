//! A server that is killed in the middle of its work loses nothing: the next one goes on.

use std::time::Duration;

use control::{Actor, Control, containers, jobs, setup};
use model::{
    JobId,
    containers::ContainerForm,
    jobs::{JobState, JobView},
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
