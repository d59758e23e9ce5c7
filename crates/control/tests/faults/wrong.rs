//! One fault at one call of one kind of job: the job ends, what it leaves agrees, and when the
//! fault is over it can be tried again or taken away.

use std::time::{Duration, Instant};

use control::{Actor, jobs};
use model::{
    JobId,
    jobs::{JobState, JobView},
};
use proxmox_sim::{Effect, Fault};

use crate::{
    Case,
    calls::{Call, cluster},
    house::House,
    kinds::{Kind, PATIENCE, Stage, options},
};

/// How long a call may take where one is never answered.
const SHORT: Duration = Duration::from_millis(800);
/// How long a call may take otherwise.
pub const LONG: Duration = Duration::from_secs(10);
/// How long a step keeps trying where what is wrong passes.
pub const PATIENT: Duration = Duration::from_secs(20);
/// More calls than any job makes.
const ALL: usize = 100;

/// How long a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// It hits one call.
    Once,
    /// It hits all such calls for longer than a step has patience.
    Long,
}

/// A fault at a call.
#[derive(Clone, Debug)]
pub struct Wrong {
    kind: Kind,
    call: Call,
    /// How many such calls are spared before.
    spared: usize,
    effect: Effect,
    lasts: Lasts,
}

impl Wrong {
    pub fn new(kind: Kind, call: &Call, spared: usize, effect: Effect, lasts: Lasts) -> Self {
        Self {
            kind,
            call: call.clone(),
            spared,
            effect,
            lasts,
        }
    }

    fn name(&self) -> String {
        let Self {
            kind,
            call,
            spared,
            effect,
            lasts,
        } = self;
        format!("{kind} × {call} #{spared} × {effect:?} {lasts:?}")
    }

    /// Whether the job must end as if nothing had happened.
    fn passes(&self) -> bool {
        let harmless = match &self.effect {
            Effect::Answer { status, .. } => *status == 595,
            Effect::Delay(_)
            | Effect::Drop
            | Effect::DropAnswer
            | Effect::Hang
            | Effect::LockTimeout => true,
            Effect::FailTask(_) | Effect::StorageFull => false,
        };
        self.lasts == Lasts::Once && harmless
    }

    fn inject(&self, stage: &Stage) {
        for _ in 0..self.spared {
            inject(stage, &self.call, Effect::Delay(Duration::ZERO));
        }
        let times = match self.lasts {
            Lasts::Once => 1,
            Lasts::Long => ALL,
        };
        for _ in 0..times {
            inject(stage, &self.call, self.effect.clone());
        }
    }
}

pub fn inject(stage: &Stage, call: &Call, effect: Effect) {
    stage.house.sim.handle().inject(Fault {
        method: call.method.clone(),
        path: call.path.clone(),
        effect,
    });
}

pub fn case(wrong: Wrong) -> Case {
    Case::new(wrong.name(), run(wrong))
}

async fn run(wrong: Wrong) {
    let answer = match wrong.effect {
        Effect::Hang => SHORT,
        _ => LONG,
    };
    // What passes at once is not to be given up on only because the machine is slow.
    let patience = match wrong.lasts {
        Lasts::Once => PATIENT,
        Lasts::Long => PATIENCE,
    };
    let sim = proxmox_sim::start(cluster()).await.unwrap();
    let house = House::of(sim, options(patience, answer)).await;
    let mut stage = Stage::new(wrong.kind, house).await;
    wrong.inject(&stage);
    let job = stage.begin().await;
    let ended = ended(&stage, job).await;
    if wrong.spared == 0 && wrong.lasts == Lasts::Once {
        let waiting = stage.house.sim.handle().faults();
        let hit = !waiting.iter().any(|fault| fault.effect == wrong.effect);
        assert!(hit, "the call was not made: {ended:?}");
    }
    // It is over now, as all troubles.
    stage.house.sim.handle().clear_faults();
    stage.assert_agreement(&ended).await;
    if wrong.passes() {
        let log = stage.house.log(job).await;
        assert_eq!(ended.row.state, wrong.kind.end(), "{ended:?}\n{log}");
    }
    // Half of the failed creations are tried again, half are deleted.
    recover(&mut stage, ended, wrong.lasts == Lasts::Long).await;
}

/// Waits for the end of a job; what lasts is over after a while.
async fn ended(stage: &Stage, job: JobId) -> JobView {
    let while_it_lasts = PATIENCE * 3;
    let began = Instant::now();
    while began.elapsed() < while_it_lasts {
        let view = jobs::get(&stage.house.control, &Actor::System, job).await;
        let view = view.unwrap();
        if view.row.state.ended() {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.house.sim.handle().clear_faults();
    stage.house.ended(job).await
}

/// Now that nothing is wrong any more: a failed job succeeds when tried again, and in the end the
/// container can be deleted.
pub async fn recover(stage: &mut Stage, ended: JobView, again: bool) {
    if ended.row.state != JobState::Done && (again || !stage.kind.creates()) {
        jobs::retry(&stage.house.control, &Actor::System, ended.row.id)
            .await
            .unwrap();
        let retried = stage.house.ended(ended.row.id).await;
        let log = stage.house.log(ended.row.id).await;
        assert_eq!(retried.row.state, JobState::Done, "{retried:?}\n{log}");
        stage.assert_agreement(&retried).await;
    }
    let Some(record) = stage.record().await else {
        return;
    };
    let deleted = stage.delete(&record).await;
    assert_eq!(deleted.row.state, JobState::Done, "{deleted:?}");
    stage.assert_agreement(&deleted).await;
}
