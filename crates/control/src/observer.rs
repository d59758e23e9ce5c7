//! The observed state of the clusters: one request per cluster every few seconds for all users,
//! kept in memory. Pages never query a cluster themselves. Nothing here is stored, except that
//! servers sharing a database elect one to query a cluster, and it stores its observation for the
//! others.

mod cluster_state;
mod node_addresses;
mod observation;
mod poller;
pub(crate) mod registry;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use model::{
    ClusterId, clusters::ObservedContainer, containers::ResourceUsage, names::NodeName,
    nodes::ClusterView, sizes::MemoryMib,
};
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};

use cluster_state::ClusterState;
pub(crate) use cluster_state::Power;
pub(crate) use poller::{poll, release_leases};

use crate::{background::unique_owner, notifier::Notifier, status::ObservedState};

/// The observed state of all clusters, shared by the pollers.
#[derive(Clone)]
pub(crate) struct Observer {
    notifier: Notifier,
    clusters: Arc<Mutex<BTreeMap<ClusterId, Cluster>>>,
    /// The owner of this process's observation leases.
    owner: Arc<str>,
    /// Held while the clusters are loaded, so that an older result never replaces a newer one.
    loading: Arc<AsyncMutex<()>>,
}

struct Cluster {
    state: ClusterState,
    wake: Arc<Notify>,
    passes: watch::Sender<u64>,
    /// Whether this server takes the observation lease in the next pass.
    take_lease: bool,
}

impl Observer {
    pub(crate) fn new(notifier: Notifier) -> Self {
        Self {
            notifier,
            clusters: Arc::default(),
            owner: unique_owner(),
            loading: Arc::default(),
        }
    }

    /// Adds a cluster that will be observed, or updates the name of a known one.
    pub(crate) fn add_cluster(&self, id: ClusterId, name: &str) {
        let mut clusters = self.lock();
        let cluster = clusters.entry(id).or_insert_with(|| Cluster {
            state: ClusterState::new(name),
            wake: Arc::default(),
            passes: watch::Sender::new(0),
            take_lease: false,
        });
        name.clone_into(&mut cluster.state.name);
    }

    /// Stops observing a cluster.
    pub(crate) fn remove_cluster(&self, id: ClusterId) {
        let removed = self.lock().remove(&id);
        if let Some(cluster) = removed {
            cluster.wake.notify_one();
        }
    }

    /// The name of a cluster, or `None` if it does not exist.
    pub(crate) fn cluster(&self, id: ClusterId) -> Option<String> {
        self.with(id, |cluster| cluster.state.name.clone())
    }

    /// A cluster with its nodes, for pages.
    pub(crate) fn view(&self, id: ClusterId, url: String) -> ClusterView {
        self.with(id, |cluster| cluster.state.view(id, url.clone()))
            .unwrap_or(ClusterView {
                id,
                name: String::new(),
                url,
                version: None,
                observed: None,
                last_error: None,
                changed: None,
                nodes: Vec::new(),
            })
    }

    /// Waits until a cluster has been observed once, successfully or not.
    pub(crate) async fn wait_until_observed(&self, id: ClusterId, timeout: Duration) {
        let Some(mut passes) = self.with(id, |cluster| cluster.passes.subscribe()) else {
            return;
        };
        let first = passes.wait_for(|passes| *passes > 0);
        // A timeout is fine: pages show that the cluster has not responded yet.
        let _ = tokio::time::timeout(timeout, first).await;
    }

    /// Waits for the next observation of a cluster, successful or not.
    pub(crate) async fn wait_for_next_observation(&self, id: ClusterId, timeout: Duration) {
        let Some(mut passes) = self.with(id, |cluster| cluster.passes.subscribe()) else {
            return;
        };
        // A timeout is fine, and so is a deleted cluster.
        let _ = tokio::time::timeout(timeout, passes.changed()).await;
    }

    /// Requests an immediate pass, for example after a job has changed a container.
    pub(crate) fn wake(&self, id: ClusterId) {
        self.with(id, |cluster| cluster.wake.notify_one());
    }

    /// Records the power state that a job has just seen. It takes precedence over the cluster's
    /// inventory, which lags by some seconds, until the inventory agrees or the record expires.
    pub(crate) fn record_power(&self, id: ClusterId, vmid: u32, power: Power) {
        self.with(id, |cluster| {
            cluster.state.record_power(vmid, power, Instant::now())
        });
        self.wake(id);
    }

    /// The observed power state of a container.
    pub(crate) fn observed_state(&self, id: ClusterId, vmid: u32) -> ObservedState {
        self.with(id, |cluster| {
            cluster.state.observed_state(vmid, Instant::now())
        })
        .unwrap_or(ObservedState::Unreachable)
    }

    /// The resource usage of a running container.
    pub(crate) fn usage(&self, id: ClusterId, vmid: u32) -> Option<ResourceUsage> {
        self.with(id, |cluster| cluster.state.usage(vmid)).flatten()
    }

    /// Every container of a cluster at the last observation, managed by Holdfast or not.
    pub(crate) fn containers(&self, id: ClusterId) -> Vec<ObservedContainer> {
        self.with(id, |cluster| cluster.state.containers())
            .unwrap_or_default()
    }

    /// A container at the last observation.
    pub(crate) fn container(&self, id: ClusterId, vmid: u32) -> Option<ObservedContainer> {
        self.with(id, |cluster| cluster.state.container(vmid))
            .flatten()
    }

    /// When a cluster last responded, and why the last request failed.
    pub(crate) fn freshness(&self, id: ClusterId) -> (Option<model::Timestamp>, Option<String>) {
        self.with(id, |cluster| {
            (cluster.state.observed, cluster.state.last_error.clone())
        })
        .unwrap_or_default()
    }

    /// Whether any guest of the cluster uses the VMID.
    pub(crate) fn is_taken(&self, id: ClusterId, vmid: u32) -> bool {
        self.with(id, |cluster| cluster.state.is_taken(vmid))
            .unwrap_or(false)
    }

    /// The node with the largest share of free memory, or `None` while the cluster is unreachable.
    pub(crate) fn least_loaded_node(&self, id: ClusterId) -> Option<NodeName> {
        self.with(id, |cluster| cluster.state.least_loaded_node())
            .flatten()
    }

    /// Counts memory as used on a node until the next observation, so that containers created in
    /// quick succession spread over the nodes.
    pub(crate) fn reserve_memory(&self, id: ClusterId, node: &NodeName, memory: MemoryMib) {
        self.with(id, |cluster| cluster.state.reserve_memory(node, memory));
    }

    fn with<T>(&self, id: ClusterId, f: impl FnOnce(&mut Cluster) -> T) -> Option<T> {
        self.lock().get_mut(&id).map(f)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ClusterId, Cluster>> {
        self.clusters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
