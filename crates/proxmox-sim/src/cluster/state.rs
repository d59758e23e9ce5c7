//! The mutable state of a simulator and its lookups. No HTTP and no timing here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::access::Directory;
use crate::clock::now;
use crate::cluster::console::Consoles;
use crate::cluster::container::Container;
use crate::cluster::firewall::{self, Firewall};
use crate::cluster::journal::Journal;
use crate::cluster::network::Network;
use crate::cluster::storage::Storage;
use crate::cluster::task::Task;
use crate::config::{ImageSpec, Scenario, StorageSpec};

/// The kind of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// A container template with its operating system.
    Template { ostype: String },
    /// A pulled OCI image.
    Image(ImageSpec),
    /// The disk of a container.
    Disk { vmid: u32 },
    /// A backup of a container.
    Backup(Box<Archive>),
    /// Any other file, such as an ISO image.
    File,
}

/// The configuration of a container in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Archive {
    pub(crate) vmid: u32,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) raw: Vec<(String, String)>,
}

/// A file or disk on a storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Volume {
    pub(crate) node: String,
    pub(crate) storage: String,
    /// The name after the colon: `vztmpl/x.tar`, `vm-100-disk-0`.
    pub(crate) name: String,
    /// Size in bytes.
    pub(crate) size: u64,
    /// Creation time in seconds since the Unix epoch.
    pub(crate) created: u64,
    pub(crate) kind: Kind,
    /// The notes of a backup.
    #[serde(default)]
    pub(crate) notes: Option<String>,
    /// Whether removal is forbidden.
    #[serde(default)]
    pub(crate) protected: bool,
}

impl Volume {
    /// Creates a volume on a storage of a node, with the current time.
    pub(crate) fn new((node, storage): (&str, &str), name: &str, size: u64, kind: Kind) -> Self {
        Self {
            node: node.to_owned(),
            storage: storage.to_owned(),
            name: name.to_owned(),
            size,
            created: now().as_secs(),
            kind,
            notes: None,
            protected: false,
        }
    }

    /// The volume ID: storage and name.
    pub(crate) fn id(&self) -> String {
        format!("{}:{}", self.storage, self.name)
    }

    /// The content type.
    pub(crate) fn content(&self) -> &str {
        match self.kind {
            Kind::Template { .. } | Kind::Image(_) => "vztmpl",
            Kind::Disk { .. } => "rootdir",
            Kind::Backup(_) => "backup",
            Kind::File => self.name.split('/').next().unwrap_or_default(),
        }
    }

    /// The container that the volume belongs to.
    pub(crate) fn owner(&self) -> Option<u32> {
        match &self.kind {
            Kind::Disk { vmid } => Some(*vmid),
            Kind::Backup(archive) => Some(archive.vmid),
            Kind::Template { .. } | Kind::Image(_) | Kind::File => None,
        }
    }
}

/// The last status broadcast.
#[derive(Debug, Default)]
pub(crate) struct Broadcast {
    /// Node status by name.
    pub(crate) nodes: BTreeMap<String, Map<String, Value>>,
    /// Container status by VMID.
    pub(crate) containers: BTreeMap<u32, Map<String, Value>>,
}

/// The state of a simulated cluster. Fields marked `serde(skip)` are not saved in the state file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) containers: BTreeMap<u32, Container>,
    pub(crate) volumes: Vec<Volume>,
    /// Storages by name.
    #[serde(default)]
    pub(crate) storages: BTreeMap<String, Storage>,
    /// Network configurations by node.
    #[serde(default)]
    pub(crate) networks: BTreeMap<String, Network>,
    /// Firewalls of guests by VMID.
    #[serde(default)]
    pub(crate) firewalls: BTreeMap<u32, Firewall>,
    /// The options of the cluster's firewall.
    #[serde(default)]
    pub(crate) cluster_firewall: firewall::Options,
    /// The options of the nodes' firewalls, by node.
    #[serde(default)]
    pub(crate) node_firewalls: BTreeMap<String, firewall::Options>,
    /// The last allocated PID.
    pub(crate) last_pid: u32,
    /// Users and permissions.
    #[serde(default)]
    pub(crate) directory: Directory,
    #[serde(skip)]
    pub(crate) offline: BTreeSet<String>,
    #[serde(skip)]
    pub(crate) tasks: Vec<Task>,
    #[serde(skip)]
    pub(crate) broadcast: Broadcast,
    #[serde(skip)]
    pub(crate) consoles: Consoles,
    #[serde(skip)]
    pub(crate) journal: Journal,
    /// Interfaces that an external observer reported, by VMID.
    #[serde(skip)]
    pub(crate) reported_interfaces: BTreeMap<u32, ReportedInterfaces>,
}

/// The interfaces of a container as reported by an external observer. Valid until the container is
/// restarted.
#[derive(Clone, Debug)]
pub(crate) struct ReportedInterfaces {
    /// The PID of the container's init process at the time of the report.
    pub(crate) pid: u32,
    /// IP addresses with prefix lengths, by MAC address in lower case.
    pub(crate) addresses: BTreeMap<String, Vec<(IpAddr, u8)>>,
}

impl State {
    /// Allocates a PID.
    pub(crate) fn next_pid(&mut self) -> u32 {
        self.last_pid = self.last_pid.max(1_000).wrapping_add(29).max(1_000);
        self.last_pid
    }

    /// Returns a volume that is visible on a node.
    pub(crate) fn volume(&self, node: &str, id: &str) -> Option<&Volume> {
        self.volumes
            .iter()
            .find(|volume| self.is_visible(volume, node) && volume.id() == id)
    }

    /// Whether a volume is visible on a node: it belongs to the node or is on a shared storage.
    pub(crate) fn is_visible(&self, volume: &Volume, node: &str) -> bool {
        let shared = || {
            self.storages
                .get(&volume.storage)
                .is_some_and(Storage::is_shared)
        };
        volume.node == node || shared()
    }

    /// Removes a container with its pool memberships and access control entries.
    /// Returns whether it existed.
    pub(crate) fn remove_container(&mut self, vmid: u32) -> bool {
        let existed = self.containers.remove(&vmid).is_some();
        self.firewalls.remove(&vmid);
        self.reported_interfaces.remove(&vmid);
        self.broadcast.containers.remove(&vmid);
        for pool in self.directory.pools.values_mut() {
            pool.vms.remove(&vmid);
        }
        let path = format!("/vms/{vmid}");
        self.directory.grants.retain(|grant| grant.path != path);
        existed
    }

    /// Removes all volumes that match.
    pub(crate) fn remove_volumes(&mut self, matches: impl Fn(&Volume) -> bool) {
        self.volumes.retain(|volume| !matches(volume));
    }

    /// Bytes in use on a storage.
    pub(crate) fn used(&self, node: &str, storage: &Storage) -> u64 {
        let volumes = self.volumes.iter();
        let sizes: u64 = volumes
            .filter(|volume| volume.storage == storage.name && self.is_visible(volume, node))
            .map(|volume| match volume.kind {
                // Thin volumes use only the written blocks, here about a sixth.
                Kind::Disk { .. } => volume.size / 6,
                _ => volume.size,
            })
            .sum();
        (storage.base_used + sizes).min(storage.total)
    }

    /// Removes the oldest finished tasks if there are more than `kept` tasks.
    pub(crate) fn prune_tasks(&mut self, max: usize) {
        let mut excess = self.tasks.len().saturating_sub(max);
        self.tasks.retain(|task| {
            let removed = excess > 0 && task.outcome.is_some();
            excess -= usize::from(removed);
            !removed
        });
    }

    /// Returns a task by UPID.
    pub(crate) fn task(&self, upid: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.upid == upid)
    }

    /// Like [`State::task`], but mutable.
    pub(crate) fn task_mut(&mut self, upid: &str) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.upid == upid)
    }
}

impl Scenario {
    /// The first storage that supports a content type.
    pub(crate) fn storage_for(&self, content: &str) -> Option<&StorageSpec> {
        self.storages
            .iter()
            .find(|storage| storage.content.contains(&content))
    }
}
