//! The cases: every kind of job, every call that it makes, everything that can go wrong there.

use std::time::Duration;

use proxmox_sim::Effect;

use crate::{
    Case,
    calls::{Call, Recorded},
    conditions, kills,
    kinds::Kind,
    wrong::{self, Lasts, Wrong},
};

/// Of calls that a job makes again and again, how many are tried.
fn times(kind: Kind) -> usize {
    match kind {
        Kind::FromImage | Kind::TakenBack => 3,
        // It differs from the other creation in its first step alone.
        Kind::FromTemplate => 1,
        _ => 2,
    }
}

pub fn cases(recorded: &[Recorded]) -> Vec<Case> {
    let mut cases = Vec::new();
    for recorded in recorded {
        cases.extend(faults(recorded));
        cases.extend(conditions::cases(recorded));
        cases.extend(kills::cases(recorded));
    }
    cases
}

fn faults(recorded: &Recorded) -> Vec<Case> {
    let mut cases = Vec::new();
    for (call, made) in &recorded.calls {
        // What is wrong with this one belongs to the kind itself.
        if recorded.kind == Kind::TakenBack && call.path.ends_with("/start") {
            continue;
        }
        for time in 0..(*made).min(times(recorded.kind)) {
            for effect in once(call) {
                cases.push(wrong::case(Wrong::new(
                    recorded.kind,
                    call,
                    time,
                    effect,
                    Lasts::Once,
                )));
            }
        }
        if recorded.kind == Kind::FromTemplate {
            continue;
        }
        for effect in lasting(call) {
            cases.push(wrong::case(Wrong::new(
                recorded.kind,
                call,
                0,
                effect,
                Lasts::Long,
            )));
        }
    }
    cases
}

fn answer(status: u16, message: &str) -> Effect {
    Effect::Answer {
        status,
        message: message.into(),
    }
}

/// What can go wrong with one call.
fn once(call: &Call) -> Vec<Effect> {
    let mut effects = lasting(call);
    effects.push(Effect::Delay(Duration::from_millis(200)));
    if call.starts_task() {
        effects.push(Effect::FailTask(
            "command 'lxc-run' failed: exit code 1".into(),
        ));
    }
    if call.takes_room() {
        effects.push(Effect::StorageFull);
    }
    if call.locks() {
        effects.push(Effect::LockTimeout);
    }
    effects
}

/// What can go wrong with a call again and again.
fn lasting(call: &Call) -> Vec<Effect> {
    let mut effects = vec![
        answer(500, "got unexpected control message"),
        answer(403, "Permission check failed (/vms/1000, VM.Audit)"),
        answer(595, "No route to host"),
        Effect::Drop,
        Effect::Hang,
    ];
    // Of a call that only reads, losing the answer is losing the call.
    if call.method != "GET" {
        effects.push(Effect::DropAnswer);
    }
    effects
}
