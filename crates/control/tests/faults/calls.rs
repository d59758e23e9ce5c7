//! Records the API calls that each kind of job makes without faults.

use std::{collections::BTreeMap, fmt};

use futures::future::join_all;
use proxmox_sim::Config;

use crate::{
    kinds::{Kind, Scenario},
    test_app::TestApp,
};

/// Paths that the observer polls independently of jobs.
const POLLED: [&str; 2] = ["/cluster/resources", "/version"];

/// An API call. Variable path segments are replaced by names in braces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub method: String,
    pub path: String,
}

impl Call {
    /// Parses a request such as `GET /nodes/pve1/lxc/1000/config`.
    fn from_request(counted: &str) -> Self {
        let (method, path) = counted.split_once(' ').unwrap();
        let mut before = "";
        let mut parts = Vec::new();
        for part in path.split('/') {
            parts.push(match before {
                "nodes" => "{node}",
                "lxc" => "{vmid}",
                "storage" => "{storage}",
                "tasks" => "{upid}",
                _ => part,
            });
            before = part;
        }
        Self {
            method: method.to_owned(),
            path: parts.join("/"),
        }
    }

    /// Returns whether the call starts a Proxmox task.
    pub fn starts_task(&self) -> bool {
        matches!(self.method.as_str(), "POST" | "DELETE")
            && !self.path.contains("{upid}")
            && !self.is_firewall()
    }

    /// Returns whether the call is about a container's firewall, which has a file of its own.
    fn is_firewall(&self) -> bool {
        self.path.contains("/firewall/")
    }

    /// Returns whether the call's task needs space on a storage.
    pub fn needs_storage(&self) -> bool {
        self.method == "POST" && (self.path.ends_with("/lxc") || self.path.ends_with("-pull"))
    }

    /// Returns whether the call or its task needs the lock of the container's configuration.
    pub fn needs_lock(&self) -> bool {
        self.path.contains("{vmid}") && self.method != "GET" && !self.is_firewall()
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// The calls of one kind of job with their counts.
pub struct RecordedRun {
    pub kind: Kind,
    pub calls: BTreeMap<Call, usize>,
    /// The number of steps of the job.
    pub steps: usize,
}

pub async fn record_all() -> Vec<RecordedRun> {
    join_all(Kind::ALL.map(record)).await
}

async fn record(kind: Kind) -> RecordedRun {
    let scenario = Scenario::new(kind, TestApp::new().await).await;
    let before = scenario.app.sim.handle().request_counts();
    let job = scenario.submit().await;
    let ended = scenario.app.wait_for_job(job).await;
    assert_eq!(ended.row.state, kind.end(), "{kind}: {ended:?}");
    let mut calls = BTreeMap::new();
    for (counted, times) in scenario.app.sim.handle().request_counts() {
        let new = times - before.get(&counted).copied().unwrap_or_default();
        let call = Call::from_request(&counted);
        if new > 0 && !POLLED.contains(&call.path.as_str()) {
            *calls.entry(call).or_default() += usize::try_from(new).unwrap();
        }
    }
    assert!(!calls.is_empty(), "{kind} must call the API");
    RecordedRun {
        kind,
        calls,
        steps: ended.steps.len(),
    }
}

/// A simulator configuration with short delays and a short lock timeout.
pub fn cluster() -> Config {
    Config {
        lock_timeout: std::time::Duration::from_millis(300),
        ..Config::test()
    }
}
