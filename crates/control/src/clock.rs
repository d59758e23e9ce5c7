//! The clock of the database, which certificates and DNS records are scheduled by.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use model::Timestamp;
use store::Conn;
use tokio::sync::watch;

use crate::background::Wakeup;

/// A duration in milliseconds, as the database counts it.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The clock of the database. Tests can advance it because certificates are valid for months.
/// Leases do not use it: they end by the database's own clock.
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
