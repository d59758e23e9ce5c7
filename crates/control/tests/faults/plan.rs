//! Generates the test cases: every kind of job, every call of the job, every fault of the call.

use std::time::Duration;

use proxmox_sim::Effect;

use crate::{
    Case,
    calls::{Call, RecordedRun},
    conditions,
    injection::{self, InjectedFault, Occurrence},
    kills,
    kinds::Kind,
};

/// Number of occurrences that are tested of a call that a job repeats.
fn occurrences(kind: Kind) -> usize {
    match kind {
        Kind::FromImage | Kind::RolledBack => 3,
        // Differs from `FromImage` only in its first step.
        Kind::FromTemplate => 1,
        _ => 2,
    }
}

pub fn cases(recorded: &[RecordedRun]) -> Vec<Case> {
    let mut cases = Vec::new();
    for recorded in recorded {
        cases.extend(faults(recorded));
        cases.extend(conditions::cases(recorded));
        cases.extend(kills::cases(recorded));
    }
    cases
}

fn faults(recorded: &RecordedRun) -> Vec<Case> {
    let mut cases = Vec::new();
    for (call, count) in &recorded.calls {
        // This kind already injects a fault at this call.
        if recorded.kind == Kind::RolledBack && call.path.ends_with("/start") {
            continue;
        }
        for time in 0..(*count).min(occurrences(recorded.kind)) {
            for effect in single_effects(call) {
                cases.push(injection::case(InjectedFault::new(
                    recorded.kind,
                    call,
                    time,
                    effect,
                    Occurrence::Once,
                )));
            }
        }
        if recorded.kind == Kind::FromTemplate {
            continue;
        }
        for effect in repeated_effects(call) {
            cases.push(injection::case(InjectedFault::new(
                recorded.kind,
                call,
                0,
                effect,
                Occurrence::Repeated,
            )));
        }
    }
    cases
}

fn error_response(status: u16, message: &str) -> Effect {
    Effect::Respond {
        status,
        message: message.into(),
    }
}

/// Faults that are injected once.
fn single_effects(call: &Call) -> Vec<Effect> {
    let mut effects = repeated_effects(call);
    effects.push(Effect::Delay(Duration::from_millis(200)));
    if call.starts_task() {
        effects.push(Effect::FailTask(
            "command 'lxc-run' failed: exit code 1".into(),
        ));
    }
    if call.needs_storage() {
        effects.push(Effect::StorageFull);
    }
    if call.needs_lock() {
        effects.push(Effect::LockTimeout);
    }
    effects
}

/// Faults that are injected at every occurrence of the call.
fn repeated_effects(call: &Call) -> Vec<Effect> {
    let mut effects = vec![
        error_response(500, "got unexpected control message"),
        error_response(403, "Permission check failed (/vms/1000, VM.Audit)"),
        error_response(595, "No route to host"),
        Effect::Drop,
        Effect::Hang,
    ];
    // For a GET request a lost response equals a lost request.
    if call.method != "GET" {
        effects.push(Effect::DropResponse);
    }
    effects
}
