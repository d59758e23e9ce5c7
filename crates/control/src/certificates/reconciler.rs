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
use store::{Conn, certificates::ClaimedCertificate};
use tokio::sync::{Semaphore, watch};

use super::{desired, issue};
use crate::{Control, notifier::Changes};

/// How many certificates are processed concurrently.
const MAX_CONCURRENT: usize = 4;
/// How long the lease of a certificate lasts without a heartbeat, in milliseconds.
pub(super) const LEASE_MS: i64 = 60_000;
/// How long changes are collected before a pass.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// The longest sleep. Changes made by another server do not wake this one.
const MAX_SLEEP: Duration = Duration::from_secs(60);
/// The wait after an internal error.
pub(crate) const RETRY_DELAY: Duration = Duration::from_secs(5);
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
pub(crate) struct Wakeup(watch::Sender<u64>);

impl Wakeup {
    /// Wakes all subscribers.
    pub(crate) fn notify(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// Subscribes to wake-ups from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// The clock of the database. Tests can advance it because certificates are valid for months.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead: Arc<AtomicI64>,
    advanced: Arc<Wakeup>,
}

impl Clock {
    /// Advances the clock by `ms` milliseconds.
    pub fn advance(&self, ms: i64) {
        self.ahead.fetch_add(ms, Ordering::Relaxed);
        self.advanced.notify();
    }

    /// Subscribes to advances of the clock.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.advanced.subscribe()
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
pub(crate) async fn reconcile(control: Control) {
    let stop = control.0.stop.clone();
    let name = format!("{}-{:08x}", std::process::id(), rand::random::<u32>());
    let permits = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let mut wake = WakeSources::subscribe(&control);
    loop {
        let sleep = match run_pass(&control, &name, &permits).await {
            Ok(sleep) => sleep,
            Err(error) => {
                tracing::warn!(%error, "certificate reconciliation failed");
                RETRY_DELAY
            }
        };
        if stop.run_until_cancelled(wake.wait(sleep)).await.is_none() {
            return;
        }
    }
}

/// Everything that wakes a reconciler.
pub(crate) struct WakeSources {
    changes: Changes,
    wakeup: watch::Receiver<u64>,
    clock: watch::Receiver<u64>,
}

impl WakeSources {
    /// Subscribes to all sources from now on.
    pub(crate) fn subscribe(control: &Control) -> Self {
        Self {
            changes: control.notifier().changes(),
            wakeup: control.certificate_wakeup().subscribe(),
            clock: control.clock().subscribe(),
        }
    }

    /// Waits until there may be work, at most `timeout`. Wake-ups in quick succession count as one.
    pub(crate) async fn wait(&mut self, timeout: Duration) {
        tokio::select! {
            () = self.changes.wait_for(&TOPICS) => {}
            _ = self.wakeup.changed() => {}
            _ = self.clock.changed() => {}
            () = tokio::time::sleep(timeout) => return,
        }
        tokio::time::sleep(DEBOUNCE).await;
    }
}

/// Starts work on all due certificates. Returns how long to sleep.
async fn run_pass(
    control: &Control,
    name: &str,
    permits: &Arc<Semaphore>,
) -> Result<Duration, model::Error> {
    desired::reconcile_desired(control).await?;
    while let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        let Some(claimed) = claim(control, name).await? else {
            break;
        };
        let control = control.clone();
        control.clone().0.tasks.spawn(async move {
            issue::process(&control, claimed).await;
            drop(permit);
            control.certificate_wakeup().notify();
        });
    }
    time_until_due(control).await
}

async fn claim(control: &Control, name: &str) -> Result<Option<ClaimedCertificate>, model::Error> {
    use crate::failure::StoreResultExt as _;
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
        .into_model("certificates")
}

async fn time_until_due(control: &Control) -> Result<Duration, model::Error> {
    use crate::failure::StoreResultExt as _;
    let clock = control.clock();
    let (due, now) = control
        .store()
        .read(move |c| {
            let due = store::certificates::next_due(c)?;
            Ok((due, clock.now(c)?))
        })
        .await
        .into_model("certificates")?;
    // All permits may be taken while a certificate is due: the task that releases one wakes the
    // reconciler.
    Ok(delay_until(due, now))
}

/// How long to sleep until `due`.
pub(crate) fn delay_until(due: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = due.map_or(i64::MAX, |due| due.0.saturating_sub(now.0).max(0));
    let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
    left.clamp(Duration::from_secs(1), MAX_SLEEP)
}
