//! The connections of the pool. A connection that may have been lost is checked before its next
//! use.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::{
    Connection as _,
    connection::InstrumentationEvent,
    r2d2::{ManageConnection, R2D2Connection as _},
};

use crate::{Conn, DatabaseUrl, Error, dialect};

/// A connection to a database server that was idle for longer is pinged before use.
const PING_AFTER_IDLE: Duration = Duration::from_secs(15);

pub(crate) struct PoolConnection {
    pub(super) conn: Conn,
    last_used: Instant,
    /// The number of lost connections when this one was last known to work.
    seen_losses: u64,
    losses: Arc<AtomicU64>,
    broken: bool,
}

impl PoolConnection {
    /// Records whether the connection is still usable after a query or transaction.
    pub(super) fn record_result<T>(&mut self, result: &Result<T, Error>) {
        self.last_used = Instant::now();
        if matches!(result, Err(Error::Unavailable { .. })) {
            self.broken = dialect::is_broken(&mut self.conn.0);
            // When one connection was lost, the others may be lost too: each is pinged before its
            // next use.
            self.losses
                .fetch_add(u64::from(self.broken), Ordering::Relaxed);
        }
    }
}

/// Opens and checks connections for the pool.
pub(crate) struct Manager {
    url: DatabaseUrl,
    statements: Arc<AtomicU64>,
    losses: Arc<AtomicU64>,
}

impl Manager {
    /// Creates a manager that counts the statements of all connections in `statements`.
    pub(super) fn new(url: DatabaseUrl, statements: Arc<AtomicU64>) -> Self {
        Self {
            url,
            statements,
            losses: Arc::default(),
        }
    }
}

/// Why a connection failed; for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConnectError(String);

impl ManageConnection for Manager {
    type Connection = PoolConnection;
    type Error = ConnectError;

    fn connect(&self) -> Result<PoolConnection, ConnectError> {
        let mut db = dialect::connect(&self.url).map_err(ConnectError)?;
        // Not part of `dialect::connect`: a migration may take longer.
        dialect::limit_statements(&mut db)
            .map_err(|e| ConnectError(self.url.sanitize_message(&e.to_string())))?;
        let statements = Arc::clone(&self.statements);
        db.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                statements.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(PoolConnection {
            conn: Conn(db),
            last_used: Instant::now(),
            seen_losses: self.losses.load(Ordering::Relaxed),
            losses: Arc::clone(&self.losses),
            broken: false,
        })
    }

    fn is_valid(&self, pooled: &mut PoolConnection) -> Result<(), ConnectError> {
        let losses = self.losses.load(Ordering::Relaxed);
        let is_fresh = pooled.last_used.elapsed() < PING_AFTER_IDLE && pooled.seen_losses == losses;
        if is_fresh || !dialect::is_remote(&pooled.conn.0) {
            return Ok(());
        }
        pooled
            .conn
            .0
            .ping()
            .map_err(|e| ConnectError(e.to_string()))?;
        pooled.seen_losses = losses;
        Ok(())
    }

    fn has_broken(&self, pooled: &mut PoolConnection) -> bool {
        thread::panicking() || pooled.broken || pooled.conn.0.is_broken()
    }
}
