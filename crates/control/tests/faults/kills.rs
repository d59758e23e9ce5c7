//! Kills the process that executes a job (SIGKILL) at each step and call. Another process resumes
//! the job and must reach the same result.

use std::{
    io::Read as _,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use control::{Actor, jobs};
use model::{
    JobId,
    jobs::{JobState, StepState},
};
use proxmox_sim::{Config, Delays, Effect};

use crate::{
    Case,
    calls::{Call, RecordedRun, cluster},
    injection::{CALL_TIMEOUT, LONG_RETRY_TIMEOUT, inject},
    kinds::{Kind, Scenario, options},
    test_app::{self, TestApp, open},
};

/// Environment variable with the database URL for the worker process.
const WORKER_DATABASE_URL: &str = "HOLDFAST_FAULTS_CHILD";
/// The signal that terminates the worker process, see `signal(7)`.
const SIGKILL: i32 = 9;
/// Duration of Proxmox tasks, long enough for a kill during a task.
const TASK_DURATION: Duration = Duration::from_millis(60);

/// The point at which the process is killed.
#[derive(Clone, Debug)]
enum KillPoint {
    /// The step with this index has started.
    StepStarted(usize),
    /// The step with this index has ended.
    StepEnded(usize),
    /// The call has arrived and has had no effect yet.
    RequestReceived(Call, usize),
    /// The call has taken effect, and its response was not read.
    ResponseLost(Call, usize),
}

pub fn cases(recorded: &RecordedRun) -> Vec<Case> {
    let kind = recorded.kind;
    if !matches!(
        kind,
        Kind::FromImage | Kind::FromTemplate | Kind::EditWithRestart | Kind::Delete
    ) {
        return Vec::new();
    }
    let mut kill_points: Vec<KillPoint> = (0..recorded.steps)
        .flat_map(|step| [KillPoint::StepStarted(step), KillPoint::StepEnded(step)])
        .collect();
    for (call, times) in &recorded.calls {
        // A GET request has no effect, so only its arrival is tested.
        for time in 0..(*times).min(2) {
            kill_points.push(KillPoint::RequestReceived(call.clone(), time));
            if call.method != "GET" {
                kill_points.push(KillPoint::ResponseLost(call.clone(), time));
            }
        }
    }
    let case = |kill_point: KillPoint| Case::new(name(kind, &kill_point), run(kind, kill_point));
    kill_points.into_iter().map(case).collect()
}

fn name(kind: Kind, kill_point: &KillPoint) -> String {
    let when = match kill_point {
        KillPoint::StepStarted(step) => format!("step {step} has started"),
        KillPoint::StepEnded(step) => format!("step {step} has ended"),
        KillPoint::RequestReceived(call, time) => format!("{call} #{time} has arrived"),
        KillPoint::ResponseLost(call, time) => format!("{call} #{time} has taken effect"),
    };
    format!("{kind} × kill -9 when {when}")
}

/// Number of kills after the end of the job, which interrupted nothing. Kills at the end of the
/// last step are nearly always late and are not counted.
static LATE_KILLS: AtomicUsize = AtomicUsize::new(0);

/// Upper bound of late kills, of about 90. A short step may pass between two polls.
pub(crate) const MAX_LATE: usize = 4;

pub(crate) fn late() -> usize {
    LATE_KILLS.load(Ordering::Relaxed)
}

async fn run(kind: Kind, kill_point: KillPoint) {
    let config = Config {
        delays: Delays {
            pull: TASK_DURATION,
            create: TASK_DURATION,
            start: TASK_DURATION,
            stop: TASK_DURATION,
            shutdown: TASK_DURATION,
            destroy: TASK_DURATION,
        },
        ..cluster()
    };
    let sim = proxmox_sim::start(config).await.unwrap();
    let app = TestApp::with_options(sim, options(LONG_RETRY_TIMEOUT, CALL_TIMEOUT)).await;
    let mut scenario = Scenario::new(kind, app).await;
    // From here on this process only submits jobs and reads their state.
    scenario.app.control.shutdown(Duration::from_secs(5)).await;
    kill_point.prepare(&scenario);
    let job = scenario.submit().await;
    let before = scenario.record().await.unwrap();
    let mut child = spawn_worker(&scenario.app);
    kill_point.wait_for(&scenario, job).await;
    child.kill().unwrap();
    // A process that ended without a signal was not killed.
    let end = child.wait().unwrap();
    assert_eq!(
        end.signal(),
        Some(SIGKILL),
        "the process ended before the kill: {end}"
    );
    let view = jobs::get(&scenario.app.control, &Actor::System, job).await;
    let view = view.unwrap();
    if view.row.state.has_ended() {
        // A hanging call blocks its job, so a kill during the call always interrupts the job.
        assert!(
            !matches!(kill_point, KillPoint::RequestReceived(..)),
            "the job ended while its call was blocked"
        );
        let is_last =
            matches!(kill_point, KillPoint::StepEnded(step) if step + 1 == view.steps.len());
        if !is_last {
            LATE_KILLS.fetch_add(1, Ordering::Relaxed);
        }
    }
    scenario.app.sim.handle().clear_faults();

    let second = scenario.app.reopen().await;
    let ended = test_app::wait_for_job(&second, job).await;
    assert_eq!(ended.row.state, JobState::Done, "{ended:?}");
    scenario.assert_consistent(&ended).await;
    if let Some(after) = scenario.record().await {
        assert_eq!((after.vmid, after.mac), (before.vmid, before.mac));
        let actual = scenario.actual_state().await;
        assert_eq!(
            scenario.managed_containers(&actual).count(),
            1,
            "{:?}",
            actual.real
        );
    }
    second.shutdown(Duration::from_secs(5)).await;
}

impl KillPoint {
    fn prepare(&self, scenario: &Scenario) {
        let (call, time, effect) = match self {
            Self::StepStarted(_) | Self::StepEnded(_) => return,
            Self::RequestReceived(call, time) => (call, *time, Effect::Hang),
            Self::ResponseLost(call, time) => (call, *time, Effect::DropResponse),
        };
        for _ in 0..time {
            inject(scenario, call, Effect::Delay(Duration::ZERO));
        }
        inject(scenario, call, effect);
    }

    /// Waits for the kill point or for the end of the job.
    async fn wait_for(&self, scenario: &Scenario, job: JobId) {
        loop {
            let view = jobs::get(&scenario.app.control, &Actor::System, job).await;
            let view = view.unwrap();
            let state = |step: &usize| view.steps.get(*step).map(|step| step.state);
            let is_reached = match self {
                Self::StepStarted(step) => state(step) != Some(StepState::Waiting),
                Self::StepEnded(step) => {
                    !matches!(state(step), Some(StepState::Waiting | StepState::Running))
                }
                Self::RequestReceived(..) | Self::ResponseLost(..) => {
                    scenario.app.sim.handle().pending_fault_count() == 0
                }
            };
            if is_reached {
                return;
            }
            // The end of a step may pass between two polls. A blocked call cannot.
            if view.row.state.has_ended() {
                let is_call = matches!(self, Self::RequestReceived(..) | Self::ResponseLost(..));
                assert!(
                    !is_call,
                    "the job ended without the call at which to kill it"
                );
                return;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }
}

/// Starts a worker process on the database of the test app.
fn spawn_worker(app: &TestApp) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::worker_process", "--ignored"])
        .env(WORKER_DATABASE_URL, &app.database)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test: the body of the worker process. It ends when its standard input is closed.
#[test]
#[ignore = "helper process that other tests start and kill"]
fn worker_process() {
    let Ok(database) = std::env::var(WORKER_DATABASE_URL) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let control = runtime.block_on(open(&database, options(LONG_RETRY_TIMEOUT, CALL_TIMEOUT)));
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
    drop(control);
    runtime.shutdown_background();
}
