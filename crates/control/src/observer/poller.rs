//! The poller of one cluster. Each round acquires the observation lease or reads the other server's
//! observation, applies it, publishes changes and waits. Of the servers that share a database, only
//! the lease holder queries the cluster.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use model::{
    ClusterId, Timestamp,
    events::{Event, Topic},
};
use proxmox::Client;
use store::observations::{self, Observer};
use tokio::sync::Notify;

use super::{
    cluster_state::Changes,
    node_addresses::NodeAddresses,
    observation::{Inventory, Observation},
};
use crate::{Control, notifier::Audience};

/// The shortest time between two rounds, however often one is requested.
const MIN_PAUSE: Duration = Duration::from_millis(250);
/// The observation lease expires after this many rounds without renewal.
const LEASE_ROUNDS: u32 = 4;
/// An observation of another server expires after this many rounds. Longer than the lease plus the
/// time the other server needs to notice the request.
const STALE_ROUNDS: u32 = 6;

/// Observes a cluster until it is removed or the program stops.
pub(crate) async fn poll(control: Control, id: ClusterId) {
    let Some(wake) = control
        .observer()
        .with(id, |cluster| Arc::clone(&cluster.wake))
    else {
        return;
    };
    let poller = Poller {
        id,
        wake,
        interval: control.0.options.observe_interval,
        control,
    };
    poller.run().await;
}

/// Releases this server's observation leases on shutdown.
pub(crate) async fn release_leases(control: &Control) {
    if !control.store().is_shared() {
        return;
    }
    let holder = control.observer().holder.to_string();
    let released = control
        .store()
        .write(move |c| observations::release_all(c, &holder))
        .await;
    if let Err(error) = released {
        tracing::warn!(
            ?error,
            "failed to release observation leases; they will expire"
        );
    }
}

struct Poller {
    control: Control,
    id: ClusterId,
    wake: Arc<Notify>,
    interval: Duration,
}

/// Who queries the cluster in this round.
enum Role {
    /// This server. `shared` is set when another server has requested the observation.
    Holder { shared: bool },
    /// Another server, with its last observation.
    Reader(Option<SharedObservation>),
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

impl Poller {
    async fn run(self) {
        let stop = self.control.0.stop.clone();
        let mut progress = ReadProgress::new();
        let mut nodes = NodeAddresses::default();
        while self.is_current() && !stop.is_cancelled() {
            match self.acquire_lease().await {
                Ok(Role::Holder { shared }) => {
                    progress = ReadProgress::new();
                    // Only the request is canceled on shutdown: a lease that is being written must
                    // be stored before it is released.
                    let Some(observation) = stop.run_until_cancelled(self.query()).await else {
                        return;
                    };
                    if let Some(observation) = observation {
                        self.share(shared, &observation).await;
                        let seen = NodeAddresses::names_in(&observation);
                        self.apply(observation, Timestamp::now()).await;
                        stop.run_until_cancelled(nodes.refresh(&self.control, self.id, seen))
                            .await;
                    }
                }
                Ok(Role::Reader(stored)) => self.apply_shared(stored, &mut progress).await,
                Err(error) => {
                    tracing::warn!(cluster = %self.id, ?error, "failed to acquire observation lease")
                }
            }
            let pause = async {
                tokio::time::sleep(MIN_PAUSE).await;
                // A notification only shortens the wait.
                let wait = self.interval.saturating_sub(MIN_PAUSE);
                let _ = tokio::time::timeout(wait, self.wake.notified()).await;
            };
            stop.run_until_cancelled(pause).await;
        }
    }

    /// Whether this poller is still responsible: the cluster may have been removed and added again.
    fn is_current(&self) -> bool {
        let is_same = |cluster: &mut super::Cluster| Arc::ptr_eq(&cluster.wake, &self.wake);
        self.control.observer().with(self.id, is_same) == Some(true)
    }

    /// Acquires or renews the lease, or reads the lease holder's observation.
    async fn acquire_lease(&self) -> Result<Role, store::Error> {
        if !self.control.store().is_shared() {
            return Ok(Role::Holder { shared: false });
        }
        let (id, observer) = (self.id, self.control.observer());
        let take_lease =
            observer.with(id, |cluster| std::mem::take(&mut cluster.take_lease)) == Some(true);
        let holder = observer.holder.to_string();
        let (lease, validity) = (
            millis(self.interval * LEASE_ROUNDS),
            millis(self.interval * STALE_ROUNDS),
        );
        let work = move |c: &mut store::Conn| {
            let turn = if take_lease {
                observations::claim_forced(c, id, &holder, lease)?
            } else {
                observations::claim(c, id, &holder, lease)?
            };
            if let Observer::ThisProcess { is_requested } = turn {
                return Ok(Role::Holder {
                    shared: is_requested,
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
            Ok(Role::Reader(stored))
        };
        self.control.store().write(work).await
    }

    /// Queries the cluster and renews the lease while the query takes long. `None` when the cluster
    /// was removed.
    async fn query(&self) -> Option<Observation> {
        let client = self.control.0.clients.get(self.id)?;
        let mut request = pin!(self.fetch(&client));
        loop {
            if let Ok(observation) = tokio::time::timeout(self.interval, &mut request).await {
                return Some(observation);
            }
            if let Err(error) = self.acquire_lease().await {
                tracing::debug!(cluster = %self.id, ?error, "failed to renew observation lease");
            }
        }
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
                tracing::debug!(cluster = %self.id, error = error.cause(), "cluster unreachable");
                Observation::from_error(&error)
            }
        }
    }

    /// Stores the observation when another server has requested it.
    async fn share(&self, shared: bool, observation: &Observation) {
        if !shared {
            return;
        }
        let written = match serde_json::to_string(observation) {
            Ok(text) => {
                let (id, holder) = (self.id, self.control.observer().holder.to_string());
                let keep = move |c: &mut store::Conn| observations::store(c, id, &holder, &text);
                self.control.store().write(keep).await
            }
            Err(error) => return tracing::error!(%error, "failed to serialize observation"),
        };
        if let Err(error) = written {
            tracing::warn!(cluster = %self.id, ?error, "failed to share observation with other servers");
        }
    }

    /// Applies another server's observation, unless it has expired.
    async fn apply_shared(&self, stored: Option<SharedObservation>, progress: &mut ReadProgress) {
        let limit = self.interval * STALE_ROUNDS;
        let new = stored.filter(|stored| Some(stored.at) != progress.last && stored.age < limit);
        if let Some(stored) = new {
            progress.last = Some(stored.at);
            match serde_json::from_str(&stored.text) {
                Ok(observation) => {
                    progress.updated = Instant::now();
                    return self.apply(observation, stored.at).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to parse observation of another server")
                }
            }
        }
        if progress.updated.elapsed() >= limit {
            let sentence = format!(
                "Another server observes this cluster and has told nothing for {} s.",
                limit.as_secs().max(1)
            );
            let changed = None;
            let silence = Observation::Failure { sentence, changed };
            self.apply(silence, Timestamp::now()).await;
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
                    observer.notifier.publish(all, Audience::Everyone);
                }
            }
        }
        observer
            .notifier
            .publish(Event::all(Topic::Nodes), Audience::Operators);
        observer.with(id, |cluster| {
            cluster.rounds.send_modify(|rounds| *rounds += 1)
        });
    }
}

async fn publish_changes(control: &Control, id: ClusterId, changes: &Changes) {
    let notifier = control.notifier();
    if changes.all {
        return notifier.publish(Event::all(Topic::Container), Audience::Everyone);
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
                notifier.publish(
                    Event::of(Topic::Container, container.0),
                    Audience::Owner(*owner),
                );
            }
        }
        Err(error) => tracing::warn!(?error, "failed to load changed containers"),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
