//! The observed state of one cluster, and how an observation changes it. No I/O.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use model::{
    ClusterId, Timestamp,
    clusters::ObservedContainer,
    containers::ResourceUsage,
    fingerprint::Fingerprint,
    names::NodeName,
    nodes::{ClusterView, NodeRow},
    sizes::{Bytes, MemoryMib},
};

use super::observation::{Guest, Inventory};
use crate::status::ObservedState;

/// How long a power state recorded by a job takes precedence over the cluster's inventory, which
/// lags by about 10 s.
const RECORD_VALIDITY: Duration = Duration::from_secs(20);

/// The power state of a container as a job left or found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    /// The container is running.
    Running,
    /// The container exists and is stopped.
    Stopped,
    /// The container does not exist.
    Gone,
}

struct RecordedPower {
    power: Power,
    at: Instant,
}

/// The observed state of one cluster.
pub(super) struct ClusterState {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) observed: Option<Timestamp>,
    pub(super) last_error: Option<String>,
    changed: Option<Fingerprint>,
    nodes: BTreeMap<String, NodeRow>,
    guests: BTreeMap<u32, Guest>,
    recorded: BTreeMap<u32, RecordedPower>,
    reserved: BTreeMap<String, u64>,
}

/// The effect of an observation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Containers whose status has changed.
    pub(super) vmids: BTreeSet<u32>,
    /// Whether the status of every container may have changed, for example when a cluster becomes
    /// unreachable.
    pub(super) all: bool,
}

impl ClusterState {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: None,
            observed: None,
            last_error: None,
            changed: None,
            nodes: BTreeMap::new(),
            guests: BTreeMap::new(),
            recorded: BTreeMap::new(),
            reserved: BTreeMap::new(),
        }
    }

    /// Applies a successful observation.
    pub(super) fn apply_inventory(
        &mut self,
        inventory: Inventory,
        at: Timestamp,
        now: Instant,
    ) -> Changes {
        let all = self.observed.is_none() || self.last_error.is_some();
        let before: BTreeMap<u32, (ObservedState, bool)> = self
            .guests
            .keys()
            .map(|vmid| (*vmid, self.displayed(*vmid, now)))
            .collect();
        self.observed = Some(at);
        self.last_error = None;
        self.changed = None;
        self.reserved.clear();
        self.version = inventory.version.or(self.version.take());
        let nodes = inventory.nodes.into_iter();
        self.nodes = nodes.map(|node| (node.name.to_string(), node)).collect();
        let guests = inventory.guests.into_iter();
        self.guests = guests.map(|guest| (guest.vmid, guest)).collect();
        self.recorded
            .retain(|_, recorded| now.duration_since(recorded.at) < RECORD_VALIDITY);
        let vmids: BTreeSet<u32> = before.keys().chain(self.guests.keys()).copied().collect();
        let changed = |vmid: &u32| before.get(vmid) != Some(&self.displayed(*vmid, now));
        Changes {
            vmids: vmids.into_iter().filter(changed).collect(),
            all,
        }
    }

    /// Applies a failed observation. Returns whether the failure is new.
    pub(super) fn apply_failure(
        &mut self,
        last_error: String,
        changed: Option<Fingerprint>,
    ) -> bool {
        let is_new = self.last_error.as_ref() != Some(&last_error);
        self.last_error = Some(last_error);
        self.changed = changed;
        is_new
    }

    /// The containers of the cluster by VMID, managed by Holdfast or not.
    pub(super) fn containers(&self) -> Vec<ObservedContainer> {
        let containers = self.guests.values();
        containers
            .filter(|guest| guest.is_container)
            .map(observed_container)
            .collect()
    }

    /// A container in the last inventory, or `None` while the cluster is unreachable.
    pub(super) fn container(&self, vmid: u32) -> Option<ObservedContainer> {
        if self.last_error.is_some() {
            return None;
        }
        self.guests.get(&vmid).map(observed_container)
    }

    pub(super) fn record_power(&mut self, vmid: u32, power: Power, now: Instant) {
        self.recorded.insert(vmid, RecordedPower { power, at: now });
    }

    pub(super) fn observed_state(&self, vmid: u32, now: Instant) -> ObservedState {
        if self.last_error.is_some() || self.observed.is_none() {
            return ObservedState::Unreachable;
        }
        let recorded = self
            .recorded
            .get(&vmid)
            .filter(|recorded| now.duration_since(recorded.at) < RECORD_VALIDITY);
        if let Some(recorded) = recorded {
            return match recorded.power {
                Power::Running => ObservedState::Running,
                Power::Stopped => ObservedState::Stopped,
                Power::Gone => ObservedState::Missing,
            };
        }
        let Some(guest) = self.guests.get(&vmid) else {
            return ObservedState::Missing;
        };
        let online = self.nodes.get(&guest.node).is_none_or(|node| node.online);
        match guest.running.filter(|_| online) {
            Some(true) => ObservedState::Running,
            Some(false) => ObservedState::Stopped,
            None => ObservedState::Unreachable,
        }
    }

    /// The state whose change is published: the status, and whether there are measurements.
    fn displayed(&self, vmid: u32, now: Instant) -> (ObservedState, bool) {
        let measured = |guest: &Guest| guest.mem.is_some_and(|bytes| bytes > 0);
        (
            self.observed_state(vmid, now),
            self.guests.get(&vmid).is_some_and(measured),
        )
    }

    pub(super) fn usage(&self, vmid: u32) -> Option<ResourceUsage> {
        let guest = self
            .guests
            .get(&vmid)
            .filter(|guest| guest.running == Some(true))?;
        Some(ResourceUsage {
            cpu: guest.cpu.unwrap_or(0.0),
            memory: Bytes(guest.mem.unwrap_or(0)),
            disk: Bytes(guest.disk.unwrap_or(0)),
            uptime: guest.uptime.unwrap_or(0),
        })
    }

    pub(super) fn is_taken(&self, vmid: u32) -> bool {
        self.guests.contains_key(&vmid)
    }

    pub(super) fn least_loaded_node(&self) -> Option<NodeName> {
        if self.last_error.is_some() {
            return None;
        }
        // Uses the free share, not the free amount, so that small nodes receive containers too.
        let free = |node: &NodeRow| {
            let reserved = self.reserved.get(node.name.as_str()).copied().unwrap_or(0);
            let used = node.memory.0.saturating_add(reserved);
            1.0 - used as f64 / node.memory_total.0.max(1) as f64
        };
        let online = self.nodes.values().filter(|node| node.online);
        online
            .max_by(|a, b| free(a).total_cmp(&free(b)))
            .map(|node| node.name.clone())
    }

    pub(super) fn reserve_memory(&mut self, node: &NodeName, memory: MemoryMib) {
        *self.reserved.entry(node.to_string()).or_default() += u64::from(memory.get()) << 20;
    }

    pub(super) fn view(&self, id: ClusterId, url: String) -> ClusterView {
        ClusterView {
            id,
            name: self.name.clone(),
            url,
            version: self.version.clone(),
            observed: self.observed,
            last_error: self.last_error.clone(),
            changed: self.changed.clone(),
            nodes: self.nodes.values().cloned().collect(),
        }
    }
}

fn observed_container(guest: &Guest) -> ObservedContainer {
    ObservedContainer {
        vmid: guest.vmid,
        name: guest.name.clone(),
        node: guest.node.clone(),
        running: guest.running == Some(true),
    }
}
