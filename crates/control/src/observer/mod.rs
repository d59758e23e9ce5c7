//! What the clusters say now: one call a cluster every few seconds for everybody, kept in memory.
//! Nobody else asks a cluster in order to show a page. Nothing here is stored, but where several
//! servers share a database one of them asks, and leaves its answers there for the others.

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

/// The observers' common memory.
#[derive(Clone)]
pub(crate) struct Observer {
    hub: Hub,
    clusters: Arc<Mutex<BTreeMap<ClusterId, Cluster>>>,
    /// This process among the servers of the database.
    holder: Arc<str>,
    /// Held while the clusters are read and made known, so that an older reading undoes no newer.
    loading: Arc<Turns<()>>,
}

struct Cluster {
    known: Known,
    nudge: Arc<Notify>,
    rounds: watch::Sender<u64>,
    /// Whether this server observes next, whoever does now.
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

    /// Makes room for a cluster that will be observed, or has one that is go by its present name.
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

    /// Ends the observing of a cluster.
    pub(crate) fn forget_cluster(&self, id: ClusterId) {
        let gone = self.lock().remove(&id);
        if let Some(cluster) = gone {
            cluster.nudge.notify_one();
        }
    }

    /// A cluster's name; none when there is no such cluster.
    pub(crate) fn cluster(&self, id: ClusterId) -> Option<String> {
        self.with(id, |cluster| cluster.known.name.clone())
    }

    /// A cluster with its nodes, for people.
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

    /// Waits until a cluster answered or failed once.
    pub(crate) async fn wait_for_first(&self, id: ClusterId, patience: Duration) {
        let Some(mut rounds) = self.with(id, |cluster| cluster.rounds.subscribe()) else {
            return;
        };
        let first = rounds.wait_for(|rounds| *rounds > 0);
        // Not waiting longer is fine: pages say that the cluster has not answered yet.
        let _ = tokio::time::timeout(patience, first).await;
    }

    /// Waits until a cluster answered or failed once more.
    pub(crate) async fn wait_for_next(&self, id: ClusterId, patience: Duration) {
        let Some(mut rounds) = self.with(id, |cluster| cluster.rounds.subscribe()) else {
            return;
        };
        // Not waiting longer is fine here too; a cluster that is gone is waited for no more.
        let _ = tokio::time::timeout(patience, rounds.changed()).await;
    }

    /// Asks for a round now, because something was done to a container.
    pub(crate) fn nudge(&self, id: ClusterId) {
        self.with(id, |cluster| cluster.nudge.notify_one());
    }

    /// Notes what a job has just seen of a container. The cluster's own inventory lags by some
    /// seconds; until it agrees, this holds.
    pub(crate) fn note(&self, id: ClusterId, vmid: u32, power: Power) {
        self.with(id, |cluster| {
            cluster.known.note(vmid, power, Instant::now())
        });
        self.nudge(id);
    }

    /// What is known of a container.
    pub(crate) fn seen(&self, id: ClusterId, vmid: u32) -> Seen {
        self.with(id, |cluster| cluster.known.seen(vmid, Instant::now()))
            .unwrap_or(Seen::Unreachable)
    }

    /// What a running container uses.
    pub(crate) fn usage(&self, id: ClusterId, vmid: u32) -> Option<Observed> {
        self.with(id, |cluster| cluster.known.usage(vmid)).flatten()
    }

    /// Every container of a cluster, ours and others', as last heard.
    pub(crate) fn containers(&self, id: ClusterId) -> Vec<Foreign> {
        self.with(id, |cluster| cluster.known.containers())
            .unwrap_or_default()
    }

    /// A container as its cluster has it now.
    pub(crate) fn container(&self, id: ClusterId, vmid: u32) -> Option<Foreign> {
        self.with(id, |cluster| cluster.known.container(vmid))
            .flatten()
    }

    /// When a cluster last answered, and why it does not now.
    pub(crate) fn freshness(&self, id: ClusterId) -> (Option<model::Timestamp>, Option<String>) {
        self.with(id, |cluster| {
            (cluster.known.observed, cluster.known.trouble.clone())
        })
        .unwrap_or_default()
    }

    /// Whether a number is taken by any guest of the cluster.
    pub(crate) fn is_taken(&self, id: ClusterId, vmid: u32) -> bool {
        self.with(id, |cluster| cluster.known.is_taken(vmid))
            .unwrap_or(false)
    }

    /// The node with the largest share of its memory free; none when the cluster does not answer.
    pub(crate) fn roomiest(&self, id: ClusterId) -> Option<NodeName> {
        self.with(id, |cluster| cluster.known.roomiest()).flatten()
    }

    /// Counts memory as used on a node until the cluster itself does, so that containers made at
    /// once spread.
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
