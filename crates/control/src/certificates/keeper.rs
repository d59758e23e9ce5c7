//! Reconciles certificates until the program stops: determines the desired certificates, claims
//! those that are due and processes each. Any number of servers may do so on one database; only the
//! holder of a certificate's lease works on it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use model::{Timestamp, events::Topic};
use store::{Conn, certificates::Claimed};
use tokio::sync::{Semaphore, watch};

use super::{wanted, work};
use crate::{Control, hub::Changes};

/// How many certificates are processed concurrently.
const SEATS: usize = 4;
/// How long the lease of a certificate lasts without a heartbeat, in milliseconds.
pub(super) const LEASE_MS: i64 = 60_000;
/// How long changes are collected before a pass.
const GATHER: Duration = Duration::from_millis(200);
/// The longest sleep. Changes made by another server do not wake this one.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The wait after an internal error.
pub(crate) const AFTER_FAULT: Duration = Duration::from_secs(5);
/// The topics that certificates depend on.
const TOPICS: [Topic; 5] = [
    Topic::Container,
    Topic::Domain,
    Topic::Site,
    Topic::Authority,
    Topic::Provider,
];

/// Wakes the reconcilers of this process.
#[derive(Debug, Default)]
pub(crate) struct Bell(watch::Sender<u64>);

impl Bell {
    /// Wakes all subscribers.
    pub(crate) fn ring(&self) {
        self.0.send_modify(|rung| *rung += 1);
    }

    /// Subscribes to wake-ups from now on.
    pub(crate) fn hear(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// The clock of the database. Tests can advance it because certificates are valid for months.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead: Arc<AtomicI64>,
    moved: Arc<Bell>,
}

impl Clock {
    /// Advances the clock by `ms` milliseconds.
    pub fn advance(&self, ms: i64) {
        self.ahead.fetch_add(ms, Ordering::Relaxed);
        self.moved.ring();
    }

    /// Subscribes to advances of the clock.
    pub(crate) fn hear(&self) -> watch::Receiver<u64> {
        self.moved.hear()
    }

    /// The current time.
    pub(crate) fn now(&self, c: &mut Conn) -> Result<Timestamp, store::Error> {
        let now = store::now(c)?.0;
        Ok(Timestamp(
            now.saturating_add(self.ahead.load(Ordering::Relaxed)),
        ))
    }
}

/// Reconciles certificates until the program stops.
pub(crate) async fn keep(control: Control) {
    let stop = control.0.stop.clone();
    let name = format!("{}-{:08x}", std::process::id(), rand::random::<u32>());
    let seats = Arc::new(Semaphore::new(SEATS));
    let mut calls = Calls::hear(&control);
    loop {
        let sleep = match round(&control, &name, &seats).await {
            Ok(sleep) => sleep,
            Err(error) => {
                tracing::warn!(%error, "certificate reconciliation failed");
                AFTER_FAULT
            }
        };
        if stop.run_until_cancelled(calls.wait(sleep)).await.is_none() {
            return;
        }
    }
}

/// Everything that wakes a reconciler.
pub(crate) struct Calls {
    changes: Changes,
    bell: watch::Receiver<u64>,
    clock: watch::Receiver<u64>,
}

impl Calls {
    /// Subscribes to all sources from now on.
    pub(crate) fn hear(control: &Control) -> Self {
        Self {
            changes: control.hub().changes(),
            bell: control.certificates().hear(),
            clock: control.clock().hear(),
        }
    }

    /// Waits until there may be work, at most `timeout`. Wake-ups in quick succession count as one.
    pub(crate) async fn wait(&mut self, timeout: Duration) {
        tokio::select! {
            () = self.changes.of(&TOPICS) => {}
            _ = self.bell.changed() => {}
            _ = self.clock.changed() => {}
            () = tokio::time::sleep(timeout) => return,
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Starts work on all due certificates. Returns how long to sleep.
async fn round(
    control: &Control,
    name: &str,
    seats: &Arc<Semaphore>,
) -> Result<Duration, model::Error> {
    wanted::settle(control).await?;
    while let Ok(seat) = Arc::clone(seats).try_acquire_owned() {
        let Some(claimed) = claim(control, name).await? else {
            break;
        };
        let control = control.clone();
        control.clone().0.tasks.spawn(async move {
            work::look_after(&control, claimed).await;
            drop(seat);
            control.certificates().ring();
        });
    }
    sleep(control).await
}

async fn claim(control: &Control, name: &str) -> Result<Option<Claimed>, model::Error> {
    use crate::failure::Told as _;
    let (clock, owner) = (
        control.clock(),
        format!("{name}-{:08x}", rand::random::<u32>()),
    );
    control
        .store()
        .write(move |c| {
            let now = clock.now(c)?;
            store::certificates::claim(c, &owner, now, Timestamp(now.0 + LEASE_MS))
        })
        .await
        .told("certificates")
}

async fn sleep(control: &Control) -> Result<Duration, model::Error> {
    use crate::failure::Told as _;
    let clock = control.clock();
    let (due, now) = control
        .store()
        .read(move |c| {
            let due = store::certificates::next_due(c)?;
            Ok((due, clock.now(c)?))
        })
        .await
        .told("certificates")?;
    // All permits may be taken while a certificate is due: the task that releases one wakes the
    // reconciler.
    Ok(until(due, now))
}

/// How long to sleep until `due`.
pub(crate) fn until(due: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = due.map_or(i64::MAX, |due| due.0.saturating_sub(now.0).max(0));
    let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
    left.clamp(Duration::from_secs(1), LONGEST_SLEEP)
}
