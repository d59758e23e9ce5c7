//! Injects one fault at one call of one kind of job: the job ends in a consistent state and can be
//! retried or the container deleted once the fault is cleared.

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
    kinds::{Kind, SHORT_RETRY_TIMEOUT, Scenario, options},
    test_app::TestApp,
};

/// Timeout of a call in cases with a hanging call.
const SHORT_CALL_TIMEOUT: Duration = Duration::from_millis(800);
/// Timeout of a call in all other cases.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Retry timeout of a step in cases whose fault is temporary.
pub const LONG_RETRY_TIMEOUT: Duration = Duration::from_secs(20);
/// More than the number of calls of any job.
const ALL: usize = 100;

/// How often a fault occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// At one call.
    Once,
    /// At all such calls, beyond the retry timeout of a step.
    Repeated,
}

/// A fault that is injected at a call.
#[derive(Clone, Debug)]
pub struct InjectedFault {
    kind: Kind,
    call: Call,
    /// Number of matching calls before the one that fails.
    skipped: usize,
    effect: Effect,
    occurrence: Occurrence,
}

impl InjectedFault {
    pub fn new(
        kind: Kind,
        call: &Call,
        skipped: usize,
        effect: Effect,
        occurrence: Occurrence,
    ) -> Self {
        Self {
            kind,
            call: call.clone(),
            skipped,
            effect,
            occurrence,
        }
    }

    fn name(&self) -> String {
        let Self {
            kind,
            call,
            skipped,
            effect,
            occurrence,
        } = self;
        format!("{kind} × {call} #{skipped} × {effect:?} {occurrence:?}")
    }

    /// Returns whether the job must succeed in spite of the fault.
    fn passes(&self) -> bool {
        let harmless = match &self.effect {
            Effect::Respond { status, .. } => *status == 595,
            Effect::Delay(_)
            | Effect::Drop
            | Effect::DropResponse
            | Effect::Hang
            | Effect::LockTimeout => true,
            Effect::FailTask(_) | Effect::StorageFull => false,
        };
        self.occurrence == Occurrence::Once && harmless
    }

    fn inject(&self, scenario: &Scenario) {
        for _ in 0..self.skipped {
            inject(scenario, &self.call, Effect::Delay(Duration::ZERO));
        }
        let times = match self.occurrence {
            Occurrence::Once => 1,
            Occurrence::Repeated => ALL,
        };
        for _ in 0..times {
            inject(scenario, &self.call, self.effect.clone());
        }
    }
}

pub fn inject(scenario: &Scenario, call: &Call, effect: Effect) {
    scenario.app.sim.handle().inject(Fault {
        method: call.method.clone(),
        path: call.path.clone(),
        effect,
    });
}

pub fn case(fault: InjectedFault) -> Case {
    Case::new(fault.name(), run(fault))
}

async fn run(fault: InjectedFault) {
    let answer = match fault.effect {
        Effect::Hang => SHORT_CALL_TIMEOUT,
        _ => CALL_TIMEOUT,
    };
    // A temporary fault needs a long retry timeout, so that a slow machine causes no failure.
    let patience = match fault.occurrence {
        Occurrence::Once => LONG_RETRY_TIMEOUT,
        Occurrence::Repeated => SHORT_RETRY_TIMEOUT,
    };
    let sim = proxmox_sim::start(cluster()).await.unwrap();
    let app = TestApp::with_options(sim, options(patience, answer)).await;
    let mut scenario = Scenario::new(fault.kind, app).await;
    fault.inject(&scenario);
    let job = scenario.submit().await;
    // On a slow machine, the fault of a creation that is rolled back may still be to come.
    let ended = match fault.occurrence {
        Occurrence::Once => scenario.app.wait_for_job(job).await,
        Occurrence::Repeated => wait_for_job(&scenario, job).await,
    };
    if fault.skipped == 0 && fault.occurrence == Occurrence::Once {
        let waiting = scenario.app.sim.handle().pending_faults();
        let was_triggered = !waiting.iter().any(|pending| pending.effect == fault.effect);
        assert!(was_triggered, "the call was not made: {ended:?}");
    }
    // From here on no fault is injected.
    scenario.app.sim.handle().clear_faults();
    scenario.assert_consistent(&ended).await;
    if fault.passes() {
        let log = scenario.app.log(job).await;
        assert_eq!(ended.row.state, fault.kind.end(), "{ended:?}\n{log}");
    }
    // Failed creations are retried after repeated faults and deleted after single ones.
    recover(
        &mut scenario,
        ended,
        fault.occurrence == Occurrence::Repeated,
    )
    .await;
}

/// Waits for the end of a job and clears repeated faults after a while.
async fn wait_for_job(scenario: &Scenario, job: JobId) -> JobView {
    let fault_duration = SHORT_RETRY_TIMEOUT * 3;
    let started = Instant::now();
    while started.elapsed() < fault_duration {
        let view = jobs::get(&scenario.app.control, &Actor::System, job).await;
        let view = view.unwrap();
        if view.row.state.has_ended() {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    scenario.app.sim.handle().clear_faults();
    scenario.app.wait_for_job(job).await
}

/// After the fault is cleared, a failed job succeeds on retry, and the container can be deleted.
pub async fn recover(scenario: &mut Scenario, ended: JobView, retry: bool) {
    if ended.row.state != JobState::Done && (retry || !scenario.kind.creates()) {
        let name = ended.row.container_name.as_str();
        jobs::retry(&scenario.app.control, &Actor::System, ended.row.id, name)
            .await
            .unwrap();
        let retried = scenario.app.wait_for_job(ended.row.id).await;
        let log = scenario.app.log(ended.row.id).await;
        assert_eq!(retried.row.state, JobState::Done, "{retried:?}\n{log}");
        scenario.assert_consistent(&retried).await;
    }
    let Some(record) = scenario.record().await else {
        return;
    };
    let deleted = scenario.delete(&record).await;
    assert_eq!(deleted.row.state, JobState::Done, "{deleted:?}");
    scenario.assert_consistent(&deleted).await;
}
