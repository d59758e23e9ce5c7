//! Looks after certificates until the program ends: sees which there should be, takes those that are
//! due, and has each be worked on. Any number of servers may do so on one database; a certificate
//! belongs to whoever holds its lease.

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

/// How many certificates are worked on at once.
const SEATS: usize = 4;
/// How long a certificate stays ours without a sign of life, in milliseconds.
pub(super) const LEASE_MS: i64 = 60_000;
/// How long changes are gathered before they are looked at.
const GATHER: Duration = Duration::from_millis(200);
/// How long is slept at most: another server's changes ring no bell here.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long is slept after a fault.
pub(crate) const AFTER_FAULT: Duration = Duration::from_secs(5);
/// What certificates depend on.
const TOPICS: [Topic; 5] = [
    Topic::Container,
    Topic::Domain,
    Topic::Site,
    Topic::Authority,
    Topic::Provider,
];

/// Calls the keepers of this process.
#[derive(Debug, Default)]
pub(crate) struct Bell(watch::Sender<u64>);

impl Bell {
    /// There may be something to do.
    pub(crate) fn ring(&self) {
        self.0.send_modify(|rung| *rung += 1);
    }

    /// Hears it from now on.
    pub(crate) fn hear(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// The database's clock, which tests can set ahead: certificates live for months.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead: Arc<AtomicI64>,
    moved: Arc<Bell>,
}

impl Clock {
    /// Sets it ahead by so many milliseconds more.
    pub fn advance(&self, ms: i64) {
        self.ahead.fetch_add(ms, Ordering::Relaxed);
        self.moved.ring();
    }

    /// Hears when it was set.
    pub(crate) fn hear(&self) -> watch::Receiver<u64> {
        self.moved.hear()
    }

    /// The moment.
    pub(crate) fn now(&self, c: &mut Conn) -> Result<Timestamp, store::Error> {
        let now = store::now(c)?.0;
        Ok(Timestamp(
            now.saturating_add(self.ahead.load(Ordering::Relaxed)),
        ))
    }
}

/// Looks after certificates until the program ends.
pub(crate) async fn keep(control: Control) {
    let stop = control.0.stop.clone();
    let name = format!("{}-{:08x}", std::process::id(), rand::random::<u32>());
    let seats = Arc::new(Semaphore::new(SEATS));
    let mut calls = Calls::hear(&control);
    loop {
        let sleep = match round(&control, &name, &seats).await {
            Ok(sleep) => sleep,
            Err(error) => {
                tracing::warn!(%error, "certificates could not be looked after");
                AFTER_FAULT
            }
        };
        if stop.run_until_cancelled(calls.wait(sleep)).await.is_none() {
            return;
        }
    }
}

/// All that wakes a keeper.
pub(crate) struct Calls {
    changes: Changes,
    bell: watch::Receiver<u64>,
    clock: watch::Receiver<u64>,
}

impl Calls {
    /// Hears all of it from now on.
    pub(crate) fn hear(control: &Control) -> Self {
        Self {
            changes: control.hub().changes(),
            bell: control.certificates().hear(),
            clock: control.clock().hear(),
        }
    }

    /// Waits until something may have to be done, at most so long. What comes together is one call.
    pub(crate) async fn wait(&mut self, at_most: Duration) {
        tokio::select! {
            () = self.changes.of(&TOPICS) => {}
            _ = self.bell.changed() => {}
            _ = self.clock.changed() => {}
            () = tokio::time::sleep(at_most) => return,
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Begins all that is due; how long there is nothing to do.
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
    // All seats may be taken while something is due: whoever leaves one rings.
    Ok(until(due, now))
}

/// How long to sleep until something is due.
pub(crate) fn until(due: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = due.map_or(i64::MAX, |due| due.0.saturating_sub(now.0).max(0));
    let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
    left.clamp(Duration::from_secs(1), LONGEST_SLEEP)
}
