//! Which calls a job makes when nothing goes wrong, found out by watching it.

use std::{collections::BTreeMap, fmt};

use futures::future::join_all;
use proxmox_sim::Config;

use crate::{
    house::House,
    kinds::{Kind, Stage},
};

/// What the observer asks for again and again, whatever jobs do.
const OBSERVED: [&str; 2] = ["/cluster/resources", "/version"];

/// A call with parts in braces for what differs from case to case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub method: String,
    pub path: String,
}

impl Call {
    /// From `GET /nodes/pve1/lxc/1000/config`.
    fn of(counted: &str) -> Self {
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

    /// Whether it starts a task.
    pub fn starts_task(&self) -> bool {
        matches!(self.method.as_str(), "POST" | "DELETE") && !self.path.contains("{upid}")
    }

    /// Whether its task needs room on a storage.
    pub fn takes_room(&self) -> bool {
        self.method == "POST" && (self.path.ends_with("/lxc") || self.path.ends_with("-pull"))
    }

    /// Whether it, or its task, needs the lock of the container's configuration.
    pub fn locks(&self) -> bool {
        self.path.contains("{vmid}") && self.method != "GET"
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// The calls of one kind of job, with how often each is made.
pub struct Recorded {
    pub kind: Kind,
    pub calls: BTreeMap<Call, usize>,
    /// How many steps the job has.
    pub steps: usize,
}

pub async fn record_all() -> Vec<Recorded> {
    join_all(Kind::ALL.map(record)).await
}

async fn record(kind: Kind) -> Recorded {
    let stage = Stage::new(kind, House::new().await).await;
    let before = stage.house.sim.handle().requests();
    let job = stage.begin().await;
    let ended = stage.house.ended(job).await;
    assert_eq!(ended.row.state, kind.end(), "{kind}: {ended:?}");
    let mut calls = BTreeMap::new();
    for (counted, times) in stage.house.sim.handle().requests() {
        let new = times - before.get(&counted).copied().unwrap_or_default();
        let call = Call::of(&counted);
        if new > 0 && !OBSERVED.contains(&call.path.as_str()) {
            *calls.entry(call).or_default() += usize::try_from(new).unwrap();
        }
    }
    assert!(!calls.is_empty(), "{kind} asks the cluster");
    Recorded {
        kind,
        calls,
        steps: ended.steps.len(),
    }
}

/// A quick cluster that keeps nobody waiting for a lock.
pub fn cluster() -> Config {
    Config {
        lock_timeout: std::time::Duration::from_millis(300),
        ..Config::test()
    }
}
