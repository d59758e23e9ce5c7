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

use crate::{Conn, DatabaseUrl, Error, SecretKey, dialect};

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
    key: SecretKey,
    statements: Arc<AtomicU64>,
    losses: Arc<AtomicU64>,
}

impl Manager {
    /// Creates a manager that counts the statements of all connections in `statements`.
    pub(super) fn new(url: DatabaseUrl, key: SecretKey, statements: Arc<AtomicU64>) -> Self {
        Self {
            url,
            key,
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
            conn: Conn(db, self.key.clone()),
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

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::*;

    /// `is_set` fails unless new connections have the timeout, and `shorten` shortens it.
    fn assert_statement_times_out(url: &str, is_set: &str, shorten: &str, slow: &str) {
        let manager = Manager::new(
            url.parse().unwrap(),
            SecretKey::generate().unwrap(),
            Arc::default(),
        );
        let mut db = manager.connect().unwrap().conn.0;
        db.batch_execute(is_set).unwrap();
        db.batch_execute(shorten).unwrap();
        let began = Instant::now();
        let error = Error::from(db.batch_execute(slow).unwrap_err());
        assert!(began.elapsed() < dialect::STATEMENT_TIMEOUT / 2);
        let Error::Unavailable { cause } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(cause, "a statement took longer than 20 s");
        assert!(!dialect::is_broken(&mut db));
    }

    #[test]
    fn slow_statement_times_out_on_postgres() {
        let url = test_servers::postgres().create_postgres("timeouts");
        let is_set = "DO $$ BEGIN ASSERT current_setting('statement_timeout') = '20s'; END $$";
        let shorten = "SET statement_timeout = 100";
        assert_statement_times_out(&url, is_set, shorten, "SELECT pg_sleep(15)");
    }

    #[test]
    fn slow_statement_times_out_on_mariadb() {
        let url = test_servers::mariadb().create_mariadb("timeouts");
        let is_set = "BEGIN NOT ATOMIC IF @@max_statement_time <> 20 THEN SIGNAL SQLSTATE '45000'; \
                      END IF; END";
        let shorten = "SET SESSION max_statement_time = 0.1";
        let slow = "SELECT COUNT(*) FROM information_schema.collations a, \
                    information_schema.collations b, information_schema.collations c, \
                    information_schema.collations d";
        assert_statement_times_out(&url, is_set, shorten, slow);
    }
}
