//! A process that dies at any moment: the next one goes on, and the outcome is as without.

use std::time::Duration;

use control::{Actor, Control, containers, jobs};
use model::{
    JobId,
    events::{Event, Topic},
    jobs::{JobState, StepState},
};
use proxmox_sim::Config;

use crate::house::{House, NGINX, ended, event};

/// Of the deaths, how many may come after the job's end, because its last step is that quick.
const MOST_LATE: usize = 1;

/// Waits until a step has begun, or the job has ended.
async fn until_begun(control: &Control, job: JobId, step: usize) {
    loop {
        let change = event(control, Event::of(Topic::Job, job.0));
        let view = jobs::get(control, &Actor::System, job).await.unwrap();
        if view.steps[step].state != StepState::Waiting || view.row.state.ended() {
            return;
        }
        change.await;
    }
}

/// What came of a job whose process died.
struct Interrupted {
    steps: usize,
    /// The job had ended before.
    is_late: bool,
}

/// Everything of the first process ends at once when its runtime is dropped: no lease is given
/// back, nothing is written any more. It dies when the step begins, or at once after the job was
/// queued.
fn interrupt(step: Option<usize>) -> Interrupted {
    let world = tokio::runtime::Runtime::new().unwrap();
    let mut config = Config::test();
    config.delays.create = Duration::from_millis(100);
    config.delays.start = Duration::from_millis(60);
    let sim = world.block_on(proxmox_sim::start(config)).unwrap();
    let first = tokio::runtime::Runtime::new().unwrap();
    let (house, job) = first.block_on(async {
        let house = House::beside(sim).await;
        let created = house.create(&house.form("web", NGINX)).await.unwrap();
        if let Some(step) = step {
            until_begun(&house.control, created.job, step).await;
        }
        (house, created.job)
    });
    first.shutdown_background();
    world.block_on(async {
        let dead = jobs::get(&house.control, &Actor::System, job).await;
        let dead = dead.unwrap();
        let control = house.reopen().await;
        let job = ended(&control, job).await;
        assert_eq!(job.row.state, JobState::Done, "died at {step:?}: {job:?}");
        let real = house.sim.handle().containers();
        assert_eq!(real.len(), 1, "died at {step:?}");
        assert!(real[0].running && real[0].lock.is_none());
        let (site, name) = ("lab".parse().unwrap(), "web".parse().unwrap());
        let view = containers::get(&control, &Actor::System, &site, &name)
            .await
            .unwrap();
        assert_eq!(view.vmid, real[0].vmid);
        let job = containers::delete(&control, &Actor::System, view.row.id, "web").await;
        let job = ended(&control, job.unwrap()).await;
        assert_eq!(job.row.state, JobState::Done);
        assert!(house.sim.handle().containers().is_empty());
        control.shutdown(Duration::from_secs(5)).await;
        Interrupted {
            steps: dead.steps.len(),
            is_late: dead.row.state.ended(),
        }
    })
}

#[test]
fn whenever_the_first_process_dies_the_second_makes_exactly_one_container() {
    let queued = interrupt(None);
    let begun: Vec<_> = (0..queued.steps)
        .map(|step| interrupt(Some(step)))
        .collect();
    assert!(begun.len() > 3, "{} steps", begun.len());
    let late = begun.iter().filter(|death| death.is_late).count();
    assert!(late <= MOST_LATE, "{late} deaths interrupted nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_gives_back_the_lease_at_once() {
    let mut config = Config::test();
    config.delays.create = Duration::from_millis(400);
    let house = House::with(config).await;
    let created = house.create(&house.form("web", NGINX)).await.unwrap();
    until_begun(&house.control, created.job, 1).await;
    assert!(house.control.works());
    house.control.shutdown(Duration::from_secs(5)).await;
    assert!(!house.control.works());
    let state = jobs::get(&house.control, &Actor::System, created.job)
        .await
        .unwrap()
        .row
        .state;
    assert!(
        !state.ended(),
        "a job is left to the next process: {state:?}"
    );
    let control = house.reopen().await;
    assert_eq!(ended(&control, created.job).await.row.state, JobState::Done);
}
