//! A task in the state of the cluster, and its form in responses.

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::access::auth::Caller;

/// The end of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// `OK` or the error message.
    pub(crate) status: String,
    /// Seconds since the Unix epoch.
    pub(crate) end: u64,
}

/// A running or finished task.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) upid: String,
    pub(crate) node: String,
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) caller: Caller,
    /// Seconds since the Unix epoch.
    pub(crate) start: u64,
    pub(crate) log: Vec<String>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) kill: CancellationToken,
    pub(crate) pid: u32,
    pub(crate) pstart: u64,
}

impl Task {
    /// The members that task lists and task status have in common.
    pub(crate) fn head(&self) -> Map<String, Value> {
        let mut head = Map::new();
        head.insert("upid".into(), self.upid.as_str().into());
        head.insert("node".into(), self.node.as_str().into());
        head.insert("pid".into(), self.pid.into());
        head.insert("pstart".into(), self.pstart.into());
        head.insert("starttime".into(), self.start.into());
        head.insert("type".into(), self.kind.into());
        head.insert("id".into(), self.id.as_str().into());
        head.insert("user".into(), self.caller.user().into());
        if let Some(token) = self.caller.token() {
            head.insert("tokenid".into(), token.into());
        }
        head
    }

    /// The response of `GET …/status`.
    pub(crate) fn status(&self) -> Value {
        let mut members = self.head();
        match &self.outcome {
            None => drop(members.insert("status".into(), "running".into())),
            Some(outcome) => {
                members.insert("status".into(), "stopped".into());
                members.insert("exitstatus".into(), outcome.status.as_str().into());
            }
        }
        members.into()
    }

    /// The entry in a task list.
    pub(crate) fn list_entry(&self) -> Value {
        let mut members = self.head();
        match &self.outcome {
            None => drop(members.insert("status".into(), "RUNNING".into())),
            Some(outcome) => {
                members.insert("status".into(), json!(outcome.status));
                members.insert("endtime".into(), json!(outcome.end));
            }
        }
        members.into()
    }
}
