//! The shared parts of a running simulator: configuration, state and clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedMutexGuard, watch};
use tokio_util::sync::CancellationToken;

use crate::access::tickets::Key;
use crate::cluster::conditions::{Conditions, Dhcp};
use crate::cluster::state::State;
use crate::cluster::tls::Tls;
use crate::config::{Config, NodeSpec};
use crate::faults::Faults;

/// The shared parts. Locks are held briefly and never across an await.
pub(crate) struct Core {
    pub(crate) config: Config,
    /// The TLS certificate; `None` for plain HTTP.
    pub(crate) tls: Option<Tls>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) conditions: Mutex<Conditions>,
    pub(crate) requests: Mutex<BTreeMap<String, u64>>,
    /// Canceled when the simulator stops. Tasks then end immediately, as after a power failure.
    pub(crate) shutdown: CancellationToken,
    /// Notified after each change of the persistent state.
    pub(crate) changed: Notify,
    /// The number of changes of the persistent state.
    pub(crate) version: watch::Sender<u64>,
    /// The signing key of tickets.
    pub(crate) key: Key,
    speed: AtomicU32,
    state: Mutex<State>,
    config_locks: Mutex<HashMap<u32, Arc<tokio::sync::Mutex<()>>>>,
    started: Instant,
}

impl Core {
    pub(crate) fn new(config: Config, state: State, tls: Option<Tls>) -> Self {
        Self {
            speed: AtomicU32::new(config.speed.max(1)),
            config,
            tls,
            faults: Mutex::default(),
            conditions: Mutex::default(),
            requests: Mutex::default(),
            shutdown: CancellationToken::new(),
            changed: Notify::new(),
            version: watch::Sender::new(0),
            key: Key::random(),
            state: Mutex::new(state),
            config_locks: Mutex::default(),
            started: Instant::now(),
        }
    }

    /// Divides a duration by the current speed.
    pub(crate) fn at_speed(&self, duration: Duration) -> Duration {
        duration / self.speed.load(Ordering::Relaxed).max(1)
    }

    /// Changes the speed. Pauses that have begun keep their duration.
    pub(crate) fn set_speed(&self, speed: u32) {
        self.speed.store(speed.max(1), Ordering::Relaxed);
    }

    /// Reads the state.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&lock(&self.state))
    }

    /// Changes the state. The state file is written soon after.
    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut lock(&self.state));
        self.changed.notify_one();
        self.version.send_modify(|version| *version += 1);
        outcome
    }

    /// Changes state that is not saved in the state file, such as a task's log.
    pub(crate) fn edit_transient<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut lock(&self.state))
    }

    /// Returns a node by name. `localhost` is the node that serves the request.
    pub(crate) fn node(&self, name: &str) -> Option<&NodeSpec> {
        let nodes = &self.config.scenario.nodes;
        if name == "localhost" {
            return nodes.first();
        }
        nodes.iter().find(|node| node.name == name)
    }

    /// The uptime of a node.
    pub(crate) fn uptime(&self, node: &NodeSpec) -> Duration {
        match lock(&self.conditions).booted(&node.name) {
            Some(booted) => booted.elapsed(),
            None => node.uptime + self.started.elapsed(),
        }
    }

    /// Whether the cluster has quorum.
    pub(crate) fn is_quorate(&self) -> bool {
        lock(&self.conditions).quorate
    }

    /// The token that is canceled when a node loses power or the simulator stops.
    pub(crate) fn power(&self, node: &str) -> CancellationToken {
        lock(&self.conditions).power(node, &self.shutdown)
    }

    /// The time from a container's start until it gets a DHCP address, or `None` if it never does.
    /// `started` is in milliseconds since the Unix epoch.
    pub(crate) fn dhcp_delay(&self, started: u64) -> Option<Duration> {
        match lock(&self.conditions).dhcp_for(started) {
            Dhcp::Normal => Some(self.at_speed(self.config.address_delay)),
            Dhcp::Late(delay) => Some(delay),
            Dhcp::Never => None,
        }
    }

    /// Locks a container's configuration, as Proxmox does with a lock file.
    pub(crate) async fn lock_config(&self, vmid: u32) -> Result<OwnedMutexGuard<()>, String> {
        let mutex = lock(&self.config_locks).entry(vmid).or_default().clone();
        tokio::time::timeout(self.config.lock_timeout, mutex.lock_owned())
            .await
            .map_err(|_| lock_timeout(vmid))
    }
}

/// The error of Proxmox if a container's configuration could not be locked in time.
pub(crate) fn lock_timeout(vmid: u32) -> String {
    format!("can't lock file '/run/lock/lxc/pve-config-{vmid}.lock' - got timeout")
}

/// Locks a mutex and ignores poisoning: every change is a single step, so the data is consistent.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
