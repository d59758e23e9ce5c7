//! Jobs are resumed by another process after a crash at any step, with the same result.

use std::time::Duration;

use control::{Actor, Control, containers, jobs};
use model::{
    JobId,
    events::{Event, Topic},
    jobs::{JobState, StepState},
};
use proxmox_sim::Config;

use crate::test_app::{NGINX, TestApp, wait_for_event, wait_for_job};

/// How many crashes may happen after the job's end. The last step is too short to hit reliably.
const MAX_LATE: usize = 1;

/// Waits until a step has begun, or the job has ended.
async fn wait_until_step_begins(control: &Control, job: JobId, step: usize) {
    loop {
        let change = wait_for_event(control, Event::of(Topic::Job, job.0));
        let view = jobs::get(control, &Actor::System, job).await.unwrap();
        if view.steps[step].state != StepState::Waiting || view.row.state.has_ended() {
            return;
        }
        change.await;
    }
}

/// The result of one simulated crash.
struct Crash {
    steps: usize,
    /// The job had ended before the crash.
    is_late: bool,
}

/// Simulates a crash of the first process by dropping its runtime: no lease is released and
/// nothing more is written. The crash happens when `step` begins, or right after the job was
/// queued.
fn crash_at(step: Option<usize>) -> Crash {
    let world = tokio::runtime::Runtime::new().unwrap();
    let mut config = Config::test();
    config.delays.create = Duration::from_millis(100);
    config.delays.start = Duration::from_millis(60);
    let sim = world.block_on(proxmox_sim::start(config)).unwrap();
    let first = tokio::runtime::Runtime::new().unwrap();
    let (app, job) = first.block_on(async {
        let app = TestApp::with_sim(sim).await;
        let created = app.create(&app.form("web", NGINX)).await.unwrap();
        if let Some(step) = step {
            wait_until_step_begins(&app.control, created.job, step).await;
        }
        (app, created.job)
    });
    first.shutdown_background();
    world.block_on(async {
        let interrupted = jobs::get(&app.control, &Actor::System, job).await;
        let interrupted = interrupted.unwrap();
        let control = app.reopen().await;
        let job = wait_for_job(&control, job).await;
        assert_eq!(
            job.row.state,
            JobState::Done,
            "crashed at {step:?}: {job:?}"
        );
        let real = app.sim.handle().containers();
        assert_eq!(real.len(), 1, "crashed at {step:?}");
        assert!(real[0].running && real[0].lock.is_none());
        let (site, name) = ("lab".parse().unwrap(), "web".parse().unwrap());
        let view = containers::get(&control, &Actor::System, &site, &name)
            .await
            .unwrap();
        assert_eq!(view.vmid, real[0].vmid);
        let job = containers::delete(&control, &Actor::System, view.row.id, "web").await;
        let job = wait_for_job(&control, job.unwrap()).await;
        assert_eq!(job.row.state, JobState::Done);
        assert!(app.sim.handle().containers().is_empty());
        control.shutdown(Duration::from_secs(5)).await;
        Crash {
            steps: interrupted.steps.len(),
            is_late: interrupted.row.state.has_ended(),
        }
    })
}

#[test]
fn job_interrupted_at_any_step_creates_exactly_one_container() {
    let queued = crash_at(None);
    let begun: Vec<_> = (0..queued.steps).map(|step| crash_at(Some(step))).collect();
    assert!(begun.len() > 3, "{} steps", begun.len());
    let late = begun.iter().filter(|crash| crash.is_late).count();
    assert!(late <= MAX_LATE, "{late} crashes interrupted nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_releases_the_job_lease_immediately() {
    let mut config = Config::test();
    config.delays.create = Duration::from_millis(400);
    let app = TestApp::with_config(config).await;
    let created = app.create(&app.form("web", NGINX)).await.unwrap();
    wait_until_step_begins(&app.control, created.job, 1).await;
    assert!(app.control.has_workers());
    app.control.shutdown(Duration::from_secs(5)).await;
    assert!(!app.control.has_workers());
    let state = jobs::get(&app.control, &Actor::System, created.job)
        .await
        .unwrap()
        .row
        .state;
    assert!(
        !state.has_ended(),
        "the job must stay open for the next process: {state:?}"
    );
    let control = app.reopen().await;
    assert_eq!(
        wait_for_job(&control, created.job).await.row.state,
        JobState::Done
    );
}
