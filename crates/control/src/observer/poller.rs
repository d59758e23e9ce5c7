//! The poller of one cluster. Each pass claims the observation lease or reads the other server's
//! observation, applies it, publishes changes and waits. Of the servers that share a database, only
//! the lease owner queries the cluster.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::{
    ClusterId, Timestamp,
    events::{Event, Topic},
    names::NodeName,
};
use proxmox::Client;
use store::{
    Conn,
    observations::{self, Observer},
};
use tokio::sync::Notify;

use super::{
    cluster_state::Changes,
    node_addresses::NodeAddresses,
    observation::{Inventory, Observation},
};
use crate::{
    Control,
    background::{Lease, LeaseObject, NextPass, Reconciler, Renewal, StoreRenewal},
    clock::millis,
    failure::StoreResultExt as _,
};

/// The shortest time between two passes, however often one is requested.
const MIN_PAUSE: Duration = Duration::from_millis(250);
/// The observation lease expires after this many passes without renewal.
const LEASE_PASSES: u32 = 4;
/// The longest time that one query holds the lease: the client's requests have time limits of
/// their own.
const HOLD_LIMIT: Duration = Duration::from_secs(300);
/// An observation of another server expires after this many passes. Longer than the lease plus the
/// time the other server needs to notice the request.
const STALE_PASSES: u32 = 6;

/// Observes a cluster until it is removed or the program stops.
pub(crate) fn poll(control: &Control, id: ClusterId) {
    let wake = control
        .observer()
        .with(id, |cluster| Arc::clone(&cluster.wake));
    let Some(wake) = wake else { return };
    control.spawn_reconciler(Poller {
        id,
        wake,
        interval: control.0.options.observe_interval,
        control: control.clone(),
        progress: ReadProgress::new(),
        nodes: NodeAddresses::default(),
    });
}

/// Releases this server's observation leases on shutdown.
pub(crate) async fn release_leases(control: &Control) {
    if !control.store().is_shared() {
        return;
    }
    let owner = control.observer().owner.to_string();
    let released = control
        .store()
        .write(move |c| observations::release_all(c, &owner))
        .await;
    if let Err(error) = released {
        tracing::warn!(
            %error,
            "observation lease release failed, the leases will expire"
        );
    }
}

/// The reconciler of one cluster's observed state.
struct Poller {
    control: Control,
    id: ClusterId,
    wake: Arc<Notify>,
    interval: Duration,
    progress: ReadProgress,
    nodes: NodeAddresses,
}

/// Where the observation of this pass comes from.
enum ObservationSource {
    /// The cluster, queried without a lease: no other server uses the database.
    Cluster,
    /// The cluster, queried under the lease. `is_requested` when another server requests the
    /// observation.
    ClusterUnderLease { lease: Lease, is_requested: bool },
    /// The last observation of another server, if it has stored one.
    OtherServer(Option<SharedObservation>),
}

struct SharedObservation {
    at: Timestamp,
    age: Duration,
    text: String,
}

/// The progress of reading another server's observations.
struct ReadProgress {
    last: Option<Timestamp>,
    /// When a new observation was last read, or when reading began.
    updated: Instant,
}

impl ReadProgress {
    fn new() -> Self {
        Self {
            last: None,
            updated: Instant::now(),
        }
    }
}

impl Reconciler for Poller {
    const NAME: &'static str = "cluster observation";

    /// Queries the cluster, or reads the observation of the server that does.
    async fn reconcile(&mut self) -> Result<NextPass, model::Error> {
        if !self.is_current() {
            return Ok(NextPass::Never);
        }
        match self.claim().await.into_model("claim cluster observation")? {
            ObservationSource::Cluster => {
                if let Some(observation) = self.query().await {
                    let nodes = self.apply_own(observation).await;
                    self.refresh_nodes(nodes, None).await;
                }
            }
            ObservationSource::ClusterUnderLease {
                lease,
                is_requested,
            } => self.observe(&lease, is_requested).await,
            ObservationSource::OtherServer(stored) => self.apply_shared(stored).await,
        }
        Ok(NextPass::Within(self.interval))
    }

    /// A request only shortens the time between two passes.
    async fn woken(&mut self) {
        tokio::time::sleep(MIN_PAUSE).await;
        self.wake.notified().await;
    }

    fn retry_delay(&self) -> Duration {
        self.interval
    }
}

impl Poller {
    /// Whether this poller is still responsible: the cluster may have been removed and added again.
    fn is_current(&self) -> bool {
        let is_same = |cluster: &mut super::Cluster| Arc::ptr_eq(&cluster.wake, &self.wake);
        self.control.observer().with(self.id, is_same) == Some(true)
    }

    /// Claims or renews the lease, or reads the lease owner's observation.
    async fn claim(&self) -> Result<ObservationSource, store::Error> {
        if !self.control.store().is_shared() {
            return Ok(ObservationSource::Cluster);
        }
        let (id, observer) = (self.id, self.control.observer());
        let take_lease =
            observer.with(id, |cluster| std::mem::take(&mut cluster.take_lease)) == Some(true);
        let lease = Lease::with_owner(&observer.owner, self.interval * LEASE_PASSES);
        let validity = millis(self.interval * STALE_PASSES);
        let work = move |c: &mut Conn| {
            let (owner, term) = (lease.owner(), lease.term_ms());
            let outcome = match take_lease {
                true => observations::claim_forced(c, id, &owner, term)?,
                false => observations::claim(c, id, &owner, term)?,
            };
            if let Observer::ThisProcess { is_requested } = outcome {
                return Ok(ObservationSource::ClusterUnderLease {
                    lease: lease.clone(),
                    is_requested,
                });
            }
            let now = store::now(c)?;
            let stored = observations::request_and_get(c, id, validity)?.map(|(at, text)| {
                SharedObservation {
                    at,
                    age: Duration::from_millis(u64::try_from(now.0 - at.0).unwrap_or(0)),
                    text,
                }
            });
            Ok(ObservationSource::OtherServer(stored))
        };
        self.control.store().write(work).await
    }

    /// Queries the cluster while the lease is held, and shares the observation on request. Only the
    /// requests are canceled on shutdown: a lease that is being written must be stored before it is
    /// released.
    async fn observe(&mut self, lease: &Lease, is_requested: bool) {
        let control = self.control.clone();
        let renewal = renewal(&control, self.id);
        let query = async {
            let observation = self.query().await?;
            if is_requested {
                self.share(lease, &observation).await;
            }
            Some(observation)
        };
        let mut held = lease.hold(&renewal, HOLD_LIMIT, query).await;
        if let Ok(Some(observation)) = held {
            let nodes = self.apply_own(observation).await;
            let refresh = self.refresh_nodes(nodes, Some(lease));
            let refreshed = lease.hold(&renewal, HOLD_LIMIT, refresh).await;
            held = refreshed.map(|()| None);
        }
        if let Err(reason) = held {
            tracing::info!(cluster = %self.id, %reason, "observation lease lost");
        }
    }

    /// Queries the cluster. `None` when the cluster was removed or the program stops.
    async fn query(&self) -> Option<Observation> {
        let client = self.control.0.clients.get(self.id)?;
        let stop = &self.control.0.stop;
        stop.run_until_cancelled(self.fetch(&client)).await
    }

    /// Applies an observation of this server. Returns the nodes in it.
    async fn apply_own(&mut self, observation: Observation) -> Option<Vec<NodeName>> {
        self.progress = ReadProgress::new();
        let nodes = NodeAddresses::names_in(&observation);
        self.apply(observation, Timestamp::now()).await;
        nodes
    }

    async fn refresh_nodes(&mut self, nodes: Option<Vec<NodeName>>, lease: Option<&Lease>) {
        let refresh = self.nodes.refresh(&self.control, self.id, nodes, lease);
        self.control.0.stop.run_until_cancelled(refresh).await;
    }

    async fn fetch(&self, client: &Client) -> Observation {
        let observer = self.control.observer();
        let cached = observer.with(self.id, |cluster| cluster.state.version.clone());
        let version = match cached.flatten() {
            Some(version) => Some(version),
            None => client.version().await.ok().map(|version| version.version),
        };
        match client.resources().await {
            Ok(resources) => Observation::Success(Inventory::new(version, resources)),
            Err(error) => {
                tracing::debug!(cluster = %self.id, %error, cause = error.cause(), "cluster unreachable");
                Observation::from_error(&error)
            }
        }
    }

    /// Stores the observation for the other servers. Ends the work here when the lease is lost.
    async fn share(&self, lease: &Lease, observation: &Observation) {
        let written = match serde_json::to_string(observation) {
            Ok(text) => {
                let (id, owner) = (self.id, lease.owner());
                let write = move |c: &mut Conn| observations::store(c, id, &owner, &text);
                self.control.store().write(write).await
            }
            Err(error) => {
                return tracing::error!(cluster = %self.id, %error, "observation serialization failed");
            }
        };
        match written {
            Ok(true) => {}
            Ok(false) => lease.end().await,
            Err(error) => {
                tracing::warn!(cluster = %self.id, %error, "shared observation write failed");
            }
        }
    }

    /// Applies another server's observation, unless it has expired.
    async fn apply_shared(&mut self, stored: Option<SharedObservation>) {
        let limit = self.interval * STALE_PASSES;
        let new =
            stored.filter(|stored| Some(stored.at) != self.progress.last && stored.age < limit);
        if let Some(stored) = new {
            self.progress.last = Some(stored.at);
            match serde_json::from_str(&stored.text) {
                Ok(observation) => {
                    self.progress.updated = Instant::now();
                    return self.apply(observation, stored.at).await;
                }
                Err(error) => {
                    tracing::warn!(cluster = %self.id, %error, "shared observation parse failed")
                }
            }
        }
        if self.progress.updated.elapsed() >= limit {
            let sentence = format!(
                "The server that polls this cluster has reported nothing for {} s.",
                limit.as_secs().max(1)
            );
            let changed = None;
            let failure = Observation::Failure { sentence, changed };
            self.apply(failure, Timestamp::now()).await;
        }
    }

    /// Applies an observation and publishes the changes.
    async fn apply(&self, observation: Observation, at: Timestamp) {
        let (id, observer) = (self.id, self.control.observer());
        match observation {
            Observation::Success(inventory) => {
                let changes = observer
                    .with(id, |cluster| {
                        cluster.state.apply_inventory(inventory, at, Instant::now())
                    })
                    .unwrap_or_default();
                publish_changes(&self.control, id, &changes).await;
            }
            Observation::Failure { sentence, changed } => {
                let message = sentence.clone();
                let is_new =
                    observer.with(id, |cluster| cluster.state.apply_failure(sentence, changed));
                if is_new == Some(true) {
                    tracing::warn!(cluster = %id, error = message, "cluster observation failed");
                    let all = Event::all(Topic::Container);
                    observer.notifier.publish(all);
                }
            }
        }
        observer.notifier.publish(Event::all(Topic::Nodes));
        observer.with(id, |cluster| {
            cluster.passes.send_modify(|passes| *passes += 1)
        });
    }
}

/// Renews the lease on observing a cluster.
fn renewal(control: &Control, id: ClusterId) -> impl Renewal + '_ {
    StoreRenewal {
        store: control.store(),
        object: LeaseObject::Cluster(id),
        renew: move |c: &mut Conn, owner: &str, term| observations::renew_lease(c, id, owner, term),
    }
}

async fn publish_changes(control: &Control, id: ClusterId, changes: &Changes) {
    let notifier = control.notifier();
    if changes.all {
        return notifier.publish(Event::all(Topic::Container));
    }
    if changes.vmids.is_empty() {
        return;
    }
    match control
        .store()
        .read(move |c| store::containers::list_vmids_by_cluster(c, id))
        .await
    {
        Ok(managed) => {
            for (_, container, owner) in managed
                .iter()
                .filter(|(vmid, ..)| changes.vmids.contains(vmid))
            {
                notifier.publish_container(*container, *owner);
            }
        }
        Err(error) => tracing::warn!(cluster = %id, %error, "changed container query failed"),
    }
}
