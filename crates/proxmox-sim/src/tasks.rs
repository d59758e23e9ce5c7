//! The task engine: asynchronous work with a UPID, a log and a status.
//!
//! The work of a task is a future that logs and pauses through its [`Run`]. A pause fails when the
//! task is canceled or has an injected failure, so that the cleanup of the work runs as on a real
//! node.

pub(crate) mod backup;
pub(crate) mod clone;
pub(crate) mod create;
pub(crate) mod destroy;
pub(crate) mod download;
pub(crate) mod failure;
pub(crate) mod migrate;
pub(crate) mod move_volume;
pub(crate) mod power;
pub(crate) mod pull;
pub(crate) mod restore;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::access::auth::Caller;
use crate::clock::now;
use crate::cluster::core::Core;
use crate::cluster::state::State;
use crate::cluster::task::{Outcome, Task};
use crate::faults::{PID, TaskFailure};

/// Characters that are escaped in the ID of a UPID.
const ESCAPED: &AsciiSet = &CONTROLS.add(b':').add(b'/').add(b' ').add(b'%');

/// Maximum number of tasks.
const MAX_TASKS: usize = 2_000;

/// The specification of a task to start.
pub(crate) struct TaskSpec<'a> {
    pub(crate) node: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) id: &'a str,
    pub(crate) caller: &'a Caller,
    /// If set, the task fails this way at its first pause.
    pub(crate) failure: Option<TaskFailure>,
}

/// The context of a task's work.
pub(crate) struct Run {
    pub(crate) core: Arc<Core>,
    pub(crate) node: String,
    pub(crate) pid: u32,
    upid: String,
    kill: CancellationToken,
    failure: Option<TaskFailure>,
}

impl Run {
    /// Writes a line to the task's log.
    pub(crate) fn log(&self, line: impl Into<String>) {
        let line = line.into();
        self.core.edit_transient(|state| {
            if let Some(task) = state.task_mut(&self.upid) {
                task.log.push(line);
            }
        });
    }

    /// Sleeps. Fails if the task is canceled meanwhile or has an injected failure.
    pub(crate) async fn pause(&self, duration: Duration) -> Result<(), String> {
        tokio::select! {
            () = self.kill.cancelled() => return Err("received interrupt".into()),
            () = tokio::time::sleep(self.core.at_speed(duration)) => {}
        }
        self.failure
            .as_ref()
            .map_or(Ok(()), |task_failure| self.fail(task_failure))
    }

    /// Fails if the injected failure is to occur before disk allocation.
    pub(crate) fn check_disk_space(&self) -> Result<(), String> {
        let failure = self
            .failure
            .as_ref()
            .filter(|task_failure| task_failure.before_disks);
        failure.map_or(Ok(()), |task_failure| self.fail(task_failure))
    }

    fn fail(&self, task_failure: &TaskFailure) -> Result<(), String> {
        let pid = self.pid.to_string();
        for line in &task_failure.log {
            self.log(line.replace(PID, &pid));
        }
        Err(task_failure.message.replace(PID, &pid))
    }
}

/// Starts a task and returns its UPID. The work runs concurrently.
pub(crate) fn start<Work, Done>(core: &Arc<Core>, spec: &TaskSpec<'_>, work: Work) -> Value
where
    Work: FnOnce(Run) -> Done,
    Done: Future<Output = Result<(), String>> + Send + 'static,
{
    let kill = CancellationToken::new();
    let (upid, pid) = core.edit(|state| register(core, state, spec, kill.clone()));
    let run = Run {
        core: core.clone(),
        node: spec.node.to_owned(),
        pid,
        upid: upid.clone(),
        kill,
        failure: spec.failure.clone(),
    };
    let power = core.power(spec.node);
    let result = work(run);
    let (core, ended) = (core.clone(), upid.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = power.cancelled() => {}
            outcome = result => finish(&core, &ended, outcome),
        }
    });
    upid.into()
}

fn register(
    core: &Core,
    state: &mut State,
    spec: &TaskSpec<'_>,
    kill: CancellationToken,
) -> (String, u32) {
    let pid = state.next_pid();
    let start = now().as_secs();
    let uptime = core
        .node(spec.node)
        .map(|node| core.uptime(node))
        .unwrap_or_default();
    // In hundredths of a second, as in `/proc/PID/stat`.
    let pstart = u64::try_from(uptime.as_millis() / 10).unwrap_or_default();
    let upid = format!(
        "UPID:{}:{pid:08X}:{pstart:08X}:{start:08X}:{}:{}:{}:",
        spec.node,
        spec.kind,
        utf8_percent_encode(spec.id, ESCAPED),
        spec.caller.id,
    );
    state.prune_tasks(MAX_TASKS);
    let message = format!("starting task {upid}");
    state
        .journal
        .add(start, spec.node, &spec.caller.id, message);
    state.tasks.push(Task {
        upid: upid.clone(),
        node: spec.node.to_owned(),
        kind: spec.kind,
        id: spec.id.to_owned(),
        caller: spec.caller.clone(),
        start,
        log: Vec::new(),
        outcome: None,
        kill,
        pid,
        pstart,
    });
    (upid, pid)
}

fn finish(core: &Core, upid: &str, outcome: Result<(), String>) {
    let (status, last) = match outcome {
        Ok(()) => ("OK".to_owned(), "TASK OK".to_owned()),
        Err(problem) => (problem.clone(), format!("TASK ERROR: {problem}")),
    };
    core.edit_transient(|state| {
        let end = now().as_secs();
        let message = format!("end task {upid} {status}");
        // A task that a node restart has ended keeps its status.
        let running = state.task_mut(upid).filter(|task| task.outcome.is_none());
        let Some(task) = running else {
            return;
        };
        task.log.push(last);
        task.outcome = Some(Outcome { status, end });
        let (node, user) = (task.node.clone(), task.caller.id.clone());
        state.journal.add(end, &node, &user, message);
    });
}

/// Whether a string has the format of a UPID.
pub(crate) fn is_upid(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("UPID:")
        .and_then(|rest| rest.strip_suffix(':'))
    else {
        return false;
    };
    let parts: Vec<&str> = rest.split(':').collect();
    let [node, pid, pstart, start, kind, id, user] = parts.as_slice() else {
        return false;
    };
    let hex = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let plain = |part: &str| !part.contains(['/', ' ']);
    crate::schema::format::node(node).is_ok()
        && hex(pid, 8..=8)
        && hex(pstart, 8..=9)
        && hex(start, 8..=8)
        && !kind.is_empty()
        && plain(kind)
        && plain(id)
        && !user.is_empty()
        && plain(user)
}

#[cfg(test)]
mod tests {
    use super::is_upid;

    #[test]
    fn upid_check_rejects_other_text() {
        assert!(is_upid(
            "UPID:pve1:00000001:00000001:6B00B574:vzcreate:100:root@pam:"
        ));
        assert!(is_upid(
            "UPID:pve1:00000001:000000001:6B00B574:imgdel:a%3Ab:root@pam!x:"
        ));
        assert!(!is_upid(
            "UPID:pve1:1:00000001:6B00B574:vzcreate:100:root@pam:"
        ));
        assert!(!is_upid(
            "UPID:pve1:00000001:00000001:6B00B574:vzcreate:100:root@pam"
        ));
        assert!(!is_upid("nope"));
    }
}
