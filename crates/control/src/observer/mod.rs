//! The observed state of the clusters: one request per cluster every few seconds for all users,
//! kept in memory. Pages never query a cluster themselves. Nothing here is stored, except that
//! servers sharing a database elect one to query a cluster, and it stores its observation for the
//! others.

mod addresses;
mod heard;
mod known;
pub(crate) mod roster;
mod round;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use model::{
    ClusterId, clusters::Foreign, containers::Observed, names::NodeName, nodes::ClusterView,
    sizes::MemoryMib,
};
use tokio::sync::{Mutex as Turns, Notify, watch};

use known::Known;
pub(crate) use known::Power;
pub(crate) use round::{give_back, watch};

use crate::{hub::Hub, status::Seen};

/// The observed state of all clusters, shared by the pollers.
#[derive(Clone)]
pub(crate) struct Observer {
    hub: Hub,
    clusters: Arc<Mutex<BTreeMap<ClusterId, Cluster>>>,
    /// Identifies this process among the servers of the database.
    holder: Arc<str>,
    /// Held while the clusters are loaded, so that an older result never replaces a newer one.
    loading: Arc<Turns<()>>,
}

struct Cluster {
    known: Known,
    nudge: Arc<Notify>,
    rounds: watch::Sender<u64>,
    /// Whether this server takes the observation lease in the next round.
    seize: bool,
}

impl Observer {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            clusters: Arc::default(),
            holder: format!("{}-{:016x}", std::process::id(), rand::random::<u64>()).into(),
            loading: Arc::default(),
        }
    }

    /// Adds a cluster that will be observed, or updates the name of a known one.
    pub(crate) fn expect_cluster(&self, id: ClusterId, name: &str) {
        let mut clusters = self.lock();
        let cluster = clusters.entry(id).or_insert_with(|| Cluster {
            known: Known::new(name),
            nudge: Arc::default(),
            rounds: watch::Sender::new(0),
            seize: false,
        });
        name.clone_into(&mut cluster.known.name);
    }

    /// Stops observing a cluster.
    pub(crate) fn forget_cluster(&self, id: ClusterId) {
        let gone = self.lock().remove(&id);
        if let Some(cluster) = gone {
            cluster.nudge.notify_one();
        }
    }

    /// The name of a cluster, or `None` if it does not exist.
    pub(crate) fn cluster(&self, id: ClusterId) -> Option<String> {
        self.with(id, |cluster| cluster.known.name.clone())
    }

    /// A cluster with its nodes, for pages.
    pub(crate) fn view(&self, id: ClusterId, url: String) -> ClusterView {
        self.with(id, |cluster| cluster.known.view(id, url.clone()))
            .unwrap_or(ClusterView {
                id,
                name: String::new(),
                url,
                version: None,
                observed: None,
                trouble: None,
                changed: None,
                nodes: Vec::new(),
            })
    }

    /// Waits until a cluster has been observed once, successfully or not.
    pub(crate) async fn wait_for_first(&self, id: ClusterId, patience: Duration) {
        let Some(mut rounds) = self.with(id, |cluster| cluster.rounds.subscribe()) else {
            return;
        };
        let first = rounds.wait_for(|rounds| *rounds > 0);
        // A timeout is fine: pages show that the cluster has not responded yet.
        let _ = tokio::time::timeout(patience, first).await;
    }

    /// Waits for the next observation of a cluster, successful or not.
    pub(crate) async fn wait_for_next(&self, id: ClusterId, patience: Duration) {
        let Some(mut rounds) = self.with(id, |cluster| cluster.rounds.subscribe()) else {
            return;
        };
        // A timeout is fine, and so is a deleted cluster.
        let _ = tokio::time::timeout(patience, rounds.changed()).await;
    }

    /// Requests an immediate round, for example after a job has changed a container.
    pub(crate) fn nudge(&self, id: ClusterId) {
        self.with(id, |cluster| cluster.nudge.notify_one());
    }

    /// Records the power state that a job has just seen. It takes precedence over the cluster's
    /// inventory, which lags by some seconds, until the inventory agrees or the record expires.
    pub(crate) fn note(&self, id: ClusterId, vmid: u32, power: Power) {
        self.with(id, |cluster| {
            cluster.known.note(vmid, power, Instant::now())
        });
        self.nudge(id);
    }

    /// The observed power state of a container.
    pub(crate) fn seen(&self, id: ClusterId, vmid: u32) -> Seen {
        self.with(id, |cluster| cluster.known.seen(vmid, Instant::now()))
            .unwrap_or(Seen::Unreachable)
    }

    /// The resource usage of a running container.
    pub(crate) fn usage(&self, id: ClusterId, vmid: u32) -> Option<Observed> {
        self.with(id, |cluster| cluster.known.usage(vmid)).flatten()
    }

    /// Every container of a cluster at the last observation, managed by Holdfast or not.
    pub(crate) fn containers(&self, id: ClusterId) -> Vec<Foreign> {
        self.with(id, |cluster| cluster.known.containers())
            .unwrap_or_default()
    }

    /// A container at the last observation.
    pub(crate) fn container(&self, id: ClusterId, vmid: u32) -> Option<Foreign> {
        self.with(id, |cluster| cluster.known.container(vmid))
            .flatten()
    }

    /// When a cluster last responded, and why the last request failed.
    pub(crate) fn freshness(&self, id: ClusterId) -> (Option<model::Timestamp>, Option<String>) {
        self.with(id, |cluster| {
            (cluster.known.observed, cluster.known.trouble.clone())
        })
        .unwrap_or_default()
    }

    /// Whether any guest of the cluster uses the VMID.
    pub(crate) fn is_taken(&self, id: ClusterId, vmid: u32) -> bool {
        self.with(id, |cluster| cluster.known.is_taken(vmid))
            .unwrap_or(false)
    }

    /// The node with the largest share of free memory, or `None` while the cluster is unreachable.
    pub(crate) fn roomiest(&self, id: ClusterId) -> Option<NodeName> {
        self.with(id, |cluster| cluster.known.roomiest()).flatten()
    }

    /// Counts memory as used on a node until the next observation, so that containers created in
    /// quick succession spread over the nodes.
    pub(crate) fn pledge(&self, id: ClusterId, node: &NodeName, memory: MemoryMib) {
        self.with(id, |cluster| cluster.known.pledge(node, memory));
    }

    fn with<T>(&self, id: ClusterId, f: impl FnOnce(&mut Cluster) -> T) -> Option<T> {
        self.lock().get_mut(&id).map(f)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ClusterId, Cluster>> {
        self.clusters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
