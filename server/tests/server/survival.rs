//! A server that is killed in the middle of its work loses nothing: the next one goes on.

use std::time::Duration;

use control::{Actor, Control, containers, jobs, setup, sites};
use model::{
    JobId,
    containers::ContainerForm,
    jobs::{JobState, JobView},
    sites::SiteForm,
};
use proxmox_sim::{Config, Delays, Sim, TEST_SECRET};

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
    let access = setup::Access {
        url: sim.url(),
        token_id: "root@pam!holdfast".into(),
        secret: TEST_SECRET.into(),
    };
    let cluster = setup::cluster(control, "test", access).await.unwrap();
    let site = SiteForm {
        name: "lab".into(),
        domain: "lab.example.org".into(),
        cluster: cluster.to_string(),
        bridge: "vmbr0".into(),
        network: "10.20.0.0/16".into(),
        gateway: "10.20.0.1".into(),
        range: "10.20.1.1-10.20.1.250".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "1000-1999".into(),
        ports: "2000-2999".into(),
        ..SiteForm::default()
    };
    let site = sites::create(control, &Actor::System, site.parse().unwrap())
        .await
        .unwrap();
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
