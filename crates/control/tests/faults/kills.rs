//! A process that works on jobs is killed (SIGKILL) at every moment of a job, and another one goes
//! on: the outcome is as if nothing had happened.

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
    calls::{Call, Recorded, cluster},
    house::{self, House, open},
    kinds::{Kind, Stage, options},
    wrong::{LONG, PATIENT, inject},
};

/// Where the process that is killed finds the database.
const DATABASE: &str = "HOLDFAST_FAULTS_CHILD";
/// What it dies of (`signal(7)`).
const SIGKILL: i32 = 9;
/// How long the tasks of the cluster take, so that there is a middle in which to die.
const WORK: Duration = Duration::from_millis(60);

/// When the process dies.
#[derive(Clone, Debug)]
enum Moment {
    /// The step at this place has begun.
    Begun(usize),
    /// It has ended.
    Ended(usize),
    /// The call has arrived and nothing has come of it yet.
    Asked(Call, usize),
    /// The call has taken effect, and nobody has read the answer.
    Answered(Call, usize),
}

pub fn cases(recorded: &Recorded) -> Vec<Case> {
    let kind = recorded.kind;
    if !matches!(
        kind,
        Kind::FromImage | Kind::FromTemplate | Kind::EditWithRestart | Kind::Delete
    ) {
        return Vec::new();
    }
    let mut moments: Vec<Moment> = (0..recorded.steps)
        .flat_map(|step| [Moment::Begun(step), Moment::Ended(step)])
        .collect();
    for (call, times) in &recorded.calls {
        // What only reads has no effect that could be lost.
        for time in 0..(*times).min(2) {
            moments.push(Moment::Asked(call.clone(), time));
            if call.method != "GET" {
                moments.push(Moment::Answered(call.clone(), time));
            }
        }
    }
    let case = |moment: Moment| Case::new(name(kind, &moment), run(kind, moment));
    moments.into_iter().map(case).collect()
}

fn name(kind: Kind, moment: &Moment) -> String {
    let when = match moment {
        Moment::Begun(step) => format!("step {step} has begun"),
        Moment::Ended(step) => format!("step {step} has ended"),
        Moment::Asked(call, time) => format!("{call} #{time} has arrived"),
        Moment::Answered(call, time) => format!("{call} #{time} has taken effect"),
    };
    format!("{kind} × kill -9 when {when}")
}

/// How many kills came when the job had ended already, so that they interrupted nothing. Those at
/// the end of a job's last step nearly always do and are not counted.
static LATE: AtomicUsize = AtomicUsize::new(0);

/// How many of the some 90 kills may come late: a quick step may pass between two looks at it.
pub(crate) const MOST_LATE: usize = 4;

pub(crate) fn late() -> usize {
    LATE.load(Ordering::Relaxed)
}

async fn run(kind: Kind, moment: Moment) {
    let config = Config {
        delays: Delays {
            pull: WORK,
            create: WORK,
            start: WORK,
            stop: WORK,
            shutdown: WORK,
            destroy: WORK,
        },
        ..cluster()
    };
    let sim = proxmox_sim::start(config).await.unwrap();
    let house = House::of(sim, options(PATIENT, LONG)).await;
    let mut stage = Stage::new(kind, house).await;
    // From here on this process only asks and looks.
    stage.house.control.shutdown(Duration::from_secs(5)).await;
    moment.prepare(&stage);
    let job = stage.begin().await;
    let before = stage.record().await.unwrap();
    let mut child = child(&stage.house);
    moment.wait_for(&stage, job).await;
    child.kill().unwrap();
    // One that had ended by itself was not killed at this moment, nor at any.
    let end = child.wait().unwrap();
    assert_eq!(
        end.signal(),
        Some(SIGKILL),
        "the process ended before: {end}"
    );
    let view = jobs::get(&stage.house.control, &Actor::System, job).await;
    let view = view.unwrap();
    if view.row.state.ended() {
        // A call that hangs holds its job back: a kill in it always interrupts something.
        assert!(
            !matches!(moment, Moment::Asked(..)),
            "the job ended while its call was held back"
        );
        let is_last = matches!(moment, Moment::Ended(step) if step + 1 == view.steps.len());
        if !is_last {
            LATE.fetch_add(1, Ordering::Relaxed);
        }
    }
    stage.house.sim.handle().clear_faults();

    let second = stage.house.reopen().await;
    let ended = house::ended(&second, job).await;
    assert_eq!(ended.row.state, JobState::Done, "{ended:?}");
    stage.assert_agreement(&ended).await;
    if let Some(after) = stage.record().await {
        assert_eq!((after.vmid, after.mac), (before.vmid, before.mac));
        let real = stage.found().await;
        assert_eq!(stage.real_of_ours(&real).count(), 1, "{:?}", real.real);
    }
    second.shutdown(Duration::from_secs(5)).await;
}

impl Moment {
    fn prepare(&self, stage: &Stage) {
        let (call, time, effect) = match self {
            Self::Begun(_) | Self::Ended(_) => return,
            Self::Asked(call, time) => (call, *time, Effect::Hang),
            Self::Answered(call, time) => (call, *time, Effect::DropAnswer),
        };
        for _ in 0..time {
            inject(stage, call, Effect::Delay(Duration::ZERO));
        }
        inject(stage, call, effect);
    }

    /// Waits for the moment, or for the end of a job that was quicker.
    async fn wait_for(&self, stage: &Stage, job: JobId) {
        loop {
            let view = jobs::get(&stage.house.control, &Actor::System, job).await;
            let view = view.unwrap();
            let state = |step: &usize| view.steps.get(*step).map(|step| step.state);
            let come = match self {
                Self::Begun(step) => state(step) != Some(StepState::Waiting),
                Self::Ended(step) => {
                    !matches!(state(step), Some(StepState::Waiting | StepState::Running))
                }
                Self::Asked(..) | Self::Answered(..) => stage.house.sim.handle().faults_left() == 0,
            };
            if come {
                return;
            }
            // A step's end may pass between two looks; a call that was held back cannot.
            if view.row.state.ended() {
                let held = matches!(self, Self::Asked(..) | Self::Answered(..));
                assert!(
                    !held,
                    "the job ended and the call at which to kill it never came"
                );
                return;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }
}

/// Another process with control on the database of a house.
fn child(house: &House) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::works_until_it_is_killed", "--ignored"])
        .env(DATABASE, &house.database)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test: what the other process does. It ends with the one that started it.
#[test]
#[ignore = "helper process: it is killed by other tests"]
fn works_until_it_is_killed() {
    let Ok(database) = std::env::var(DATABASE) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let control = runtime.block_on(open(&database, options(PATIENT, LONG)));
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
    drop(control);
    runtime.shutdown_background();
}
