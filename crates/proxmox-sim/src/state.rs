//! Everything that changes while the simulator runs. Data and its lookups; no HTTP, no time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::access::Directory;
use crate::config::{ImageSpec, Scenario, StorageSpec};
use crate::console::Consoles;
use crate::container::Container;
use crate::core::now;
use crate::journal::Journal;
use crate::network::Network;
use crate::storage::Storage;
use crate::task::Task;

/// What a volume is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// A container template with the system in it.
    Template { ostype: String },
    /// An image that was pulled.
    Image(ImageSpec),
    /// The disk of a container.
    Disk { vmid: u32 },
    /// The backup of a container.
    Backup(Box<Archive>),
    /// Any other file, such as an ISO image.
    File,
}

/// What a backup remembers of a container.
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
    /// What stands behind the colon: `vztmpl/x.tar`, `vm-100-disk-0`.
    pub(crate) name: String,
    /// Size in bytes.
    pub(crate) size: u64,
    /// When it was made, in seconds since 1970.
    pub(crate) created: u64,
    pub(crate) kind: Kind,
    /// What somebody wrote beside it.
    #[serde(default)]
    pub(crate) notes: Option<String>,
    /// Whether it may not be removed.
    #[serde(default)]
    pub(crate) protected: bool,
}

impl Volume {
    /// One that is made now, on a storage of a node.
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

    /// Storage and name, as the API writes volumes.
    pub(crate) fn id(&self) -> String {
        format!("{}:{}", self.storage, self.name)
    }

    /// The folder-like kind of content that it counts as.
    pub(crate) fn content(&self) -> &str {
        match self.kind {
            Kind::Template { .. } | Kind::Image(_) => "vztmpl",
            Kind::Disk { .. } => "rootdir",
            Kind::Backup(_) => "backup",
            Kind::File => self.name.split('/').next().unwrap_or_default(),
        }
    }

    /// The container that it belongs to.
    pub(crate) fn owner(&self) -> Option<u32> {
        match &self.kind {
            Kind::Disk { vmid } => Some(*vmid),
            Kind::Backup(archive) => Some(archive.vmid),
            Kind::Template { .. } | Kind::Image(_) | Kind::File => None,
        }
    }
}

/// What the last status broadcast said.
#[derive(Debug, Default)]
pub(crate) struct Broadcast {
    /// What nodes said of themselves, by name.
    pub(crate) nodes: BTreeMap<String, Map<String, Value>>,
    /// What they said of their containers, by number.
    pub(crate) containers: BTreeMap<u32, Map<String, Value>>,
}

/// The state of a simulated cluster. Tasks and broadcasts do not outlive the process.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) containers: BTreeMap<u32, Container>,
    pub(crate) volumes: Vec<Volume>,
    /// What there is to keep volumes on, by name.
    #[serde(default)]
    pub(crate) storages: BTreeMap<String, Storage>,
    /// How nodes are connected, by the name of the node.
    #[serde(default)]
    pub(crate) networks: BTreeMap<String, Network>,
    /// The last process number that was given.
    pub(crate) last_pid: u32,
    /// Who there is and who may do what.
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
    /// What others see of interfaces of containers that run elsewhere, by their number.
    #[serde(skip)]
    pub(crate) seen: BTreeMap<u32, Seen>,
}

/// The interfaces of a container as somebody else sees them, until it starts anew.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The first process of the container that was seen.
    pub(crate) pid: u32,
    /// Addresses with their prefix lengths, by hardware address in lower case.
    pub(crate) addresses: BTreeMap<String, Vec<(IpAddr, u8)>>,
}

impl State {
    /// The next free process number.
    pub(crate) fn next_pid(&mut self) -> u32 {
        self.last_pid = self.last_pid.max(1_000).wrapping_add(29).max(1_000);
        self.last_pid
    }

    /// A volume of a node by its id.
    pub(crate) fn volume(&self, node: &str, id: &str) -> Option<&Volume> {
        self.volumes
            .iter()
            .find(|volume| self.is_seen(volume, node) && volume.id() == id)
    }

    /// Whether a node sees a volume: it is its own, or on a storage that is shared.
    pub(crate) fn is_seen(&self, volume: &Volume, node: &str) -> bool {
        let shared = || {
            self.storages
                .get(&volume.storage)
                .is_some_and(Storage::is_shared)
        };
        volume.node == node || shared()
    }

    /// Takes a container away, and with it its places in pools and what was granted on it.
    pub(crate) fn forget_container(&mut self, vmid: u32) {
        self.containers.remove(&vmid);
        self.seen.remove(&vmid);
        for pool in self.directory.pools.values_mut() {
            pool.vms.remove(&vmid);
        }
        let path = format!("/vms/{vmid}");
        self.directory.grants.retain(|grant| grant.path != path);
    }

    /// Takes volumes away.
    pub(crate) fn remove_volumes(&mut self, gone: impl Fn(&Volume) -> bool) {
        self.volumes.retain(|volume| !gone(volume));
    }

    /// Bytes in use on a storage.
    pub(crate) fn used(&self, node: &str, storage: &Storage) -> u64 {
        let volumes = self.volumes.iter();
        let sizes: u64 = volumes
            .filter(|volume| volume.storage == storage.name && self.is_seen(volume, node))
            .map(|volume| match volume.kind {
                // Thin volumes take what was written, about a sixth here.
                Kind::Disk { .. } => volume.size / 6,
                _ => volume.size,
            })
            .sum();
        (storage.base_used + sizes).min(storage.total)
    }

    /// Forgets the oldest finished tasks beyond a number.
    pub(crate) fn forget_tasks(&mut self, kept: usize) {
        let mut excess = self.tasks.len().saturating_sub(kept);
        self.tasks.retain(|task| {
            let forgotten = excess > 0 && task.outcome.is_some();
            excess -= usize::from(forgotten);
            !forgotten
        });
    }

    /// A task by its UPID.
    pub(crate) fn task(&self, upid: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.upid == upid)
    }

    /// A task by its UPID, to change it.
    pub(crate) fn task_mut(&mut self, upid: &str) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.upid == upid)
    }
}

impl Scenario {
    /// The first storage that takes a kind of content.
    pub(crate) fn storage_for(&self, content: &str) -> Option<&StorageSpec> {
        self.storages
            .iter()
            .find(|storage| storage.content.contains(&content))
    }
}
