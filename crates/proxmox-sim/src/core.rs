//! What all parts of a running simulator share: its configuration, its state and its clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

use crate::access::tickets::Key;
use crate::config::{Config, NodeSpec};
use crate::fault::Faults;
use crate::state::State;

/// How long Proxmox waits for the lock of a container's configuration.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The shared parts. Locks are held for moments and never across an await.
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) requests: Mutex<BTreeMap<String, u64>>,
    /// Cancelled when the simulator stops: tasks end where they stand, as when a machine dies.
    pub(crate) shutdown: CancellationToken,
    /// Told after each change of what is kept in the state file.
    pub(crate) changed: Notify,
    /// What tickets are signed with.
    pub(crate) key: Key,
    state: Mutex<State>,
    config_locks: Mutex<HashMap<u32, Arc<tokio::sync::Mutex<()>>>>,
    started: Instant,
}

impl Core {
    pub(crate) fn new(config: Config, state: State) -> Self {
        Self {
            config,
            faults: Mutex::default(),
            requests: Mutex::default(),
            shutdown: CancellationToken::new(),
            changed: Notify::new(),
            key: Key::random(),
            state: Mutex::new(state),
            config_locks: Mutex::default(),
            started: Instant::now(),
        }
    }

    /// Looks at the state.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }

    /// Changes the state; what is kept in the state file is written soon after.
    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut lock(&self.state));
        self.changed.notify_one();
        outcome
    }

    /// Changes what is not kept in the state file, such as a task's log.
    pub(crate) fn edit_passing<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut lock(&self.state))
    }

    /// The node of that name. `localhost` is the one that is talked to.
    pub(crate) fn node(&self, name: &str) -> Option<&NodeSpec> {
        let nodes = &self.config.scenario.nodes;
        if name == "localhost" {
            return nodes.first();
        }
        nodes.iter().find(|node| node.name == name)
    }

    /// How long a node has been up.
    pub(crate) fn uptime(&self, node: &NodeSpec) -> Duration {
        node.uptime + self.started.elapsed()
    }

    /// Waits for a container's configuration to be free, as Proxmox does with a file lock.
    pub(crate) async fn lock_config(&self, vmid: u32) -> Result<OwnedMutexGuard<()>, String> {
        let mutex = lock(&self.config_locks).entry(vmid).or_default().clone();
        tokio::time::timeout(LOCK_TIMEOUT, mutex.lock_owned())
            .await
            .map_err(|_| {
                format!("can't lock file '/run/lock/lxc/pve-config-{vmid}.lock' - got timeout")
            })
    }
}

/// A lock whose holder panicked still guards consistent data: changes are single steps.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Time since 1970.
pub(crate) fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
