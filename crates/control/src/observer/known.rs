//! The observed state of one cluster, and how an observation changes it. No I/O.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use model::{
    ClusterId, Timestamp,
    clusters::{Fingerprint, Foreign},
    containers::Observed,
    names::NodeName,
    nodes::{ClusterView, NodeRow},
    sizes::{Bytes, MemoryMib},
};

use super::heard::{Guest, Inventory};
use crate::status::Seen;

/// How long a power state recorded by a job takes precedence over the cluster's inventory, which
/// lags by about 10 s.
const NOTE_HOLDS: Duration = Duration::from_secs(20);

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

struct Note {
    power: Power,
    at: Instant,
}

/// The observed state of one cluster.
pub(super) struct Known {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) observed: Option<Timestamp>,
    pub(super) trouble: Option<String>,
    changed: Option<Fingerprint>,
    nodes: BTreeMap<String, NodeRow>,
    guests: BTreeMap<u32, Guest>,
    notes: BTreeMap<u32, Note>,
    pledged: BTreeMap<String, u64>,
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

impl Known {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: None,
            observed: None,
            trouble: None,
            changed: None,
            nodes: BTreeMap::new(),
            guests: BTreeMap::new(),
            notes: BTreeMap::new(),
            pledged: BTreeMap::new(),
        }
    }

    /// Applies a successful observation.
    pub(super) fn answered(
        &mut self,
        inventory: Inventory,
        at: Timestamp,
        now: Instant,
    ) -> Changes {
        let all = self.observed.is_none() || self.trouble.is_some();
        let before: BTreeMap<u32, (Seen, bool)> = self
            .guests
            .keys()
            .map(|vmid| (*vmid, self.shown(*vmid, now)))
            .collect();
        self.observed = Some(at);
        self.trouble = None;
        self.changed = None;
        self.pledged.clear();
        self.version = inventory.version.or(self.version.take());
        let nodes = inventory.nodes.into_iter();
        self.nodes = nodes.map(|node| (node.name.to_string(), node)).collect();
        let guests = inventory.guests.into_iter();
        self.guests = guests.map(|guest| (guest.vmid, guest)).collect();
        self.notes
            .retain(|_, note| now.duration_since(note.at) < NOTE_HOLDS);
        let vmids: BTreeSet<u32> = before.keys().chain(self.guests.keys()).copied().collect();
        let changed = |vmid: &u32| before.get(vmid) != Some(&self.shown(*vmid, now));
        Changes {
            vmids: vmids.into_iter().filter(changed).collect(),
            all,
        }
    }

    /// Applies a failed observation. Returns whether the failure is new.
    pub(super) fn failed(&mut self, trouble: String, changed: Option<Fingerprint>) -> bool {
        let news = self.trouble.as_ref() != Some(&trouble);
        self.trouble = Some(trouble);
        self.changed = changed;
        news
    }

    /// The containers of the cluster by VMID, managed by Holdfast or not.
    pub(super) fn containers(&self) -> Vec<Foreign> {
        let containers = self.guests.values();
        containers
            .filter(|guest| guest.is_container)
            .map(foreign)
            .collect()
    }

    /// A container in the last inventory, or `None` while the cluster is unreachable.
    pub(super) fn container(&self, vmid: u32) -> Option<Foreign> {
        if self.trouble.is_some() {
            return None;
        }
        self.guests.get(&vmid).map(foreign)
    }

    pub(super) fn note(&mut self, vmid: u32, power: Power, now: Instant) {
        self.notes.insert(vmid, Note { power, at: now });
    }

    pub(super) fn seen(&self, vmid: u32, now: Instant) -> Seen {
        if self.trouble.is_some() || self.observed.is_none() {
            return Seen::Unreachable;
        }
        let note = self
            .notes
            .get(&vmid)
            .filter(|note| now.duration_since(note.at) < NOTE_HOLDS);
        if let Some(note) = note {
            return match note.power {
                Power::Running => Seen::Running,
                Power::Stopped => Seen::Stopped,
                Power::Gone => Seen::Missing,
            };
        }
        let Some(guest) = self.guests.get(&vmid) else {
            return Seen::Missing;
        };
        let online = self.nodes.get(&guest.node).is_none_or(|node| node.online);
        match guest.running.filter(|_| online) {
            Some(true) => Seen::Running,
            Some(false) => Seen::Stopped,
            None => Seen::Unreachable,
        }
    }

    /// The state whose change is published: the status, and whether there are measurements.
    fn shown(&self, vmid: u32, now: Instant) -> (Seen, bool) {
        let measured = |guest: &Guest| guest.mem.is_some_and(|bytes| bytes > 0);
        (
            self.seen(vmid, now),
            self.guests.get(&vmid).is_some_and(measured),
        )
    }

    pub(super) fn usage(&self, vmid: u32) -> Option<Observed> {
        let guest = self
            .guests
            .get(&vmid)
            .filter(|guest| guest.running == Some(true))?;
        Some(Observed {
            cpu: guest.cpu.unwrap_or(0.0),
            memory: Bytes(guest.mem.unwrap_or(0)),
            disk: Bytes(guest.disk.unwrap_or(0)),
            uptime: guest.uptime.unwrap_or(0),
        })
    }

    pub(super) fn is_taken(&self, vmid: u32) -> bool {
        self.guests.contains_key(&vmid)
    }

    pub(super) fn roomiest(&self) -> Option<NodeName> {
        if self.trouble.is_some() {
            return None;
        }
        // Uses the free share, not the free amount, so that small nodes receive containers too.
        let free = |node: &NodeRow| {
            let pledged = self.pledged.get(node.name.as_str()).copied().unwrap_or(0);
            let used = node.memory.0.saturating_add(pledged);
            1.0 - used as f64 / node.memory_total.0.max(1) as f64
        };
        let online = self.nodes.values().filter(|node| node.online);
        online
            .max_by(|a, b| free(a).total_cmp(&free(b)))
            .map(|node| node.name.clone())
    }

    pub(super) fn pledge(&mut self, node: &NodeName, memory: MemoryMib) {
        *self.pledged.entry(node.to_string()).or_default() += u64::from(memory.get()) << 20;
    }

    pub(super) fn view(&self, id: ClusterId, url: String) -> ClusterView {
        ClusterView {
            id,
            name: self.name.clone(),
            url,
            version: self.version.clone(),
            observed: self.observed,
            trouble: self.trouble.clone(),
            changed: self.changed.clone(),
            nodes: self.nodes.values().cloned().collect(),
        }
    }
}

fn foreign(guest: &Guest) -> Foreign {
    Foreign {
        vmid: guest.vmid,
        name: guest.name.clone(),
        node: guest.node.clone(),
        running: guest.running == Some(true),
    }
}
