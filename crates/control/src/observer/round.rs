//! The poller of one cluster. Each round acquires the observation lease or reads the other server's
//! observation, applies it, publishes changes and waits. Of the servers that share a database, only
//! the lease holder queries the cluster.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use model::{
    ClusterId, Timestamp,
    events::{Event, Topic},
};
use proxmox::Client;
use store::observations::{self, Turn};
use tokio::sync::Notify;

use super::{
    addresses::Nodes,
    heard::{Heard, Inventory},
    known::Changes,
};
use crate::{Control, hub::Audience};

/// The shortest time between two rounds, however often one is requested.
const BREATH: Duration = Duration::from_millis(250);
/// The observation lease expires after this many rounds without renewal.
const LEASE_ROUNDS: u32 = 4;
/// An observation of another server expires after this many rounds. Longer than the lease plus the
/// time the other server needs to notice the request.
const STALE_ROUNDS: u32 = 6;

/// Observes a cluster until it is removed or the program stops.
pub(crate) async fn watch(control: Control, id: ClusterId) {
    let Some(nudge) = control
        .observer()
        .with(id, |cluster| Arc::clone(&cluster.nudge))
    else {
        return;
    };
    let watch = Watch {
        id,
        nudge,
        every: control.0.options.observe_every,
        control,
    };
    watch.run().await;
}

/// Releases this server's observation leases on shutdown.
pub(crate) async fn give_back(control: &Control) {
    if !control.store().is_shared() {
        return;
    }
    let holder = control.observer().holder.to_string();
    let given = control
        .store()
        .write(move |c| observations::give_back(c, &holder))
        .await;
    if let Err(error) = given {
        tracing::warn!(
            ?error,
            "failed to release observation leases; they will expire"
        );
    }
}

struct Watch {
    control: Control,
    id: ClusterId,
    nudge: Arc<Notify>,
    every: Duration,
}

/// Who queries the cluster in this round.
enum Round {
    /// This server. `shared` is set when another server has requested the observation.
    Ours { shared: bool },
    /// Another server, with its last observation.
    Theirs(Option<Told>),
}

struct Told {
    at: Timestamp,
    age: Duration,
    heard: String,
}

/// The progress of reading another server's observations.
struct Reading {
    last: Option<Timestamp>,
    /// When a new observation was last read, or when reading began.
    fresh: Instant,
}

impl Reading {
    fn begin() -> Self {
        Self {
            last: None,
            fresh: Instant::now(),
        }
    }
}

impl Watch {
    async fn run(self) {
        let stop = self.control.0.stop.clone();
        let mut reading = Reading::begin();
        let mut nodes = Nodes::default();
        while self.is_wanted() && !stop.is_cancelled() {
            match self.turn().await {
                Ok(Round::Ours { shared }) => {
                    reading = Reading::begin();
                    // Only the request is canceled on shutdown: a lease that is being written must
                    // be stored before it is released.
                    let Some(heard) = stop.run_until_cancelled(self.ask()).await else {
                        return;
                    };
                    if let Some(heard) = heard {
                        self.pass_on(shared, &heard).await;
                        let seen = Nodes::of(&heard);
                        self.take_in(heard, wall_clock()).await;
                        stop.run_until_cancelled(nodes.look(&self.control, self.id, seen))
                            .await;
                    }
                }
                Ok(Round::Theirs(told)) => self.read(told, &mut reading).await,
                Err(error) => {
                    tracing::warn!(cluster = %self.id, ?error, "failed to acquire observation lease")
                }
            }
            let pause = async {
                tokio::time::sleep(BREATH).await;
                // A notification only shortens the wait.
                let wait = self.every.saturating_sub(BREATH);
                let _ = tokio::time::timeout(wait, self.nudge.notified()).await;
            };
            stop.run_until_cancelled(pause).await;
        }
    }

    /// Whether this poller is still responsible: the cluster may have been removed and added again.
    fn is_wanted(&self) -> bool {
        let ours = |cluster: &mut super::Cluster| Arc::ptr_eq(&cluster.nudge, &self.nudge);
        self.control.observer().with(self.id, ours) == Some(true)
    }

    /// Acquires or renews the lease, or reads the lease holder's observation.
    async fn turn(&self) -> Result<Round, store::Error> {
        if !self.control.store().is_shared() {
            return Ok(Round::Ours { shared: false });
        }
        let (id, observer) = (self.id, self.control.observer());
        let seize = observer.with(id, |cluster| std::mem::take(&mut cluster.seize)) == Some(true);
        let holder = observer.holder.to_string();
        let (lease, want) = (
            millis(self.every * LEASE_ROUNDS),
            millis(self.every * STALE_ROUNDS),
        );
        let work = move |c: &mut store::Conn| {
            let turn = if seize {
                observations::take_over(c, id, &holder, lease)?
            } else {
                observations::take(c, id, &holder, lease)?
            };
            if let Turn::Ours { shared } = turn {
                return Ok(Round::Ours { shared });
            }
            let now = store::now(c)?;
            let told = observations::read(c, id, want)?.map(|(at, heard)| Told {
                at,
                age: Duration::from_millis(u64::try_from(now.0 - at.0).unwrap_or(0)),
                heard,
            });
            Ok(Round::Theirs(told))
        };
        self.control.store().write(work).await
    }

    /// Queries the cluster and renews the lease while the query takes long. `None` when the cluster
    /// was removed.
    async fn ask(&self) -> Option<Heard> {
        let client = self.control.0.proxmoxes.get(self.id)?;
        let mut asked = pin!(self.answer(&client));
        loop {
            if let Ok(heard) = tokio::time::timeout(self.every, &mut asked).await {
                return Some(heard);
            }
            if let Err(error) = self.turn().await {
                tracing::debug!(cluster = %self.id, ?error, "failed to renew observation lease");
            }
        }
    }

    async fn answer(&self, client: &Client) -> Heard {
        let observer = self.control.observer();
        let known = observer.with(self.id, |cluster| cluster.known.version.clone());
        let version = match known.flatten() {
            Some(version) => Some(version),
            None => client.version().await.ok().map(|version| version.version),
        };
        match client.resources().await {
            Ok(resources) => Heard::Answer(Inventory::new(version, resources)),
            Err(error) => {
                tracing::debug!(cluster = %self.id, error = error.cause(), "cluster unreachable");
                Heard::failed(&error)
            }
        }
    }

    /// Stores the observation when another server has requested it.
    async fn pass_on(&self, shared: bool, heard: &Heard) {
        if !shared {
            return;
        }
        let kept = match serde_json::to_string(heard) {
            Ok(text) => {
                let (id, holder) = (self.id, self.control.observer().holder.to_string());
                let keep = move |c: &mut store::Conn| observations::keep(c, id, &holder, &text);
                self.control.store().write(keep).await
            }
            Err(error) => return tracing::error!(%error, "failed to serialize observation"),
        };
        if let Err(error) = kept {
            tracing::warn!(cluster = %self.id, ?error, "failed to share observation with other servers");
        }
    }

    /// Applies another server's observation, unless it has expired.
    async fn read(&self, told: Option<Told>, reading: &mut Reading) {
        let limit = self.every * STALE_ROUNDS;
        let new = told.filter(|told| Some(told.at) != reading.last && told.age < limit);
        if let Some(told) = new {
            reading.last = Some(told.at);
            match serde_json::from_str(&told.heard) {
                Ok(heard) => {
                    reading.fresh = Instant::now();
                    return self.take_in(heard, told.at).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to parse observation of another server")
                }
            }
        }
        if reading.fresh.elapsed() >= limit {
            let sentence = format!(
                "Another server observes this cluster and has told nothing for {} s.",
                limit.as_secs().max(1)
            );
            let changed = None;
            let silence = Heard::Trouble { sentence, changed };
            self.take_in(silence, wall_clock()).await;
        }
    }

    /// Applies an observation and publishes the changes.
    async fn take_in(&self, heard: Heard, at: Timestamp) {
        let (id, observer) = (self.id, self.control.observer());
        match heard {
            Heard::Answer(inventory) => {
                let changes = observer
                    .with(id, |cluster| {
                        cluster.known.answered(inventory, at, Instant::now())
                    })
                    .unwrap_or_default();
                tell(&self.control, id, &changes).await;
            }
            Heard::Trouble { sentence, changed } => {
                let message = sentence.clone();
                let news = observer.with(id, |cluster| cluster.known.failed(sentence, changed));
                if news == Some(true) {
                    tracing::warn!(cluster = %id, error = message, "cluster observation failed");
                    let all = Event::all(Topic::Container);
                    observer.hub.tell(all, Audience::Everyone);
                }
            }
        }
        observer
            .hub
            .tell(Event::all(Topic::Nodes), Audience::Operators);
        observer.with(id, |cluster| {
            cluster.rounds.send_modify(|rounds| *rounds += 1)
        });
    }
}

async fn tell(control: &Control, id: ClusterId, changes: &Changes) {
    let hub = control.hub();
    if changes.all {
        return hub.tell(Event::all(Topic::Container), Audience::Everyone);
    }
    if changes.vmids.is_empty() {
        return;
    }
    match control
        .store()
        .read(move |c| store::containers::on_cluster(c, id))
        .await
    {
        Ok(ours) => {
            for (_, container, owner) in ours
                .iter()
                .filter(|(vmid, ..)| changes.vmids.contains(vmid))
            {
                hub.tell(
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

/// The wall clock time of an observation, for its age on pages.
fn wall_clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
