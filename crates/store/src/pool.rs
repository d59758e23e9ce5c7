//! The connection pool. Queries run on blocking threads, at most as many at once as there are
//! connections, with a timeout. A write is retried when its transaction conflicts with another one.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::{
    Connection,
    connection::InstrumentationEvent,
    r2d2::{ManageConnection, Pool, PooledConnection, R2D2Connection},
};
use model::Timestamp;
use rand::RngExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    DatabaseUrl, Error, SecretKey, clusters,
    dialect::{self, Db},
    listener::{self, ChangeListener},
    migrations::{self, MigrationError},
};

/// The timeout for a free slot in the pool, for a new connection, and for retries of a write.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A connection to a database server that was idle for longer is pinged before use.
const PING_AFTER_IDLE: Duration = Duration::from_secs(15);
/// How many times a write is attempted before its conflict is returned as an error.
const MAX_ATTEMPTS: u32 = 8;

/// How to open a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// The database.
    pub url: DatabaseUrl,
    /// The key that encrypts secrets in the database.
    pub key: SecretKey,
    /// The maximum number of connections; at least one.
    pub pool_size: u32,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database is unreachable or refuses the connection.
    #[error("The database {url} cannot be opened: {cause}.")]
    Connect {
        /// The database URL without its password.
        url: String,
        /// The reason.
        cause: String,
    },
    /// A newer version of Holdfast has migrated the tables.
    #[error(
        "The database {url} was migrated by a newer version of Holdfast (migration {version}). \
            Start that version, or restore an older backup."
    )]
    NewerSchema {
        /// The database URL without its password.
        url: String,
        /// The migration that this version does not have.
        version: String,
    },
    /// A migration failed.
    #[error("The database {url} could not be migrated: {cause}.")]
    Migration {
        /// The database URL without its password.
        url: String,
        /// The reason.
        cause: String,
    },
    /// The secrets in the database were encrypted with another key.
    #[error(
        "The secrets in the database {url} were encrypted with another secret key. Restore the \
            key file that belongs to this database."
    )]
    WrongKey {
        /// The database URL without its password.
        url: String,
    },
}

/// A database connection; the functions of this crate take it as their first argument.
pub struct Conn(pub(crate) Db);

/// The database. Cheap to clone; all clones share one connection pool.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    pool: Pool<Manager>,
    permits: Arc<Semaphore>,
    /// SQLite allows one writer: writes queue here in order instead of polling the file lock.
    writer: Option<Arc<Semaphore>>,
    statements: Arc<AtomicU64>,
    key: SecretKey,
    url: DatabaseUrl,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Connects, runs pending migrations and checks the secret key.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let url = options.url.to_string();
        let result = tokio::task::spawn_blocking(move || Self::open_blocking(options)).await;
        result.unwrap_or_else(|e| {
            Err(OpenError::Connect {
                url,
                cause: e.to_string(),
            })
        })
    }

    fn open_blocking(options: Options) -> Result<Self, OpenError> {
        let Options {
            url,
            key,
            pool_size,
        } = options;
        let display_url = url.to_string();
        // The pool would report only a timeout, so the first connection is opened without it.
        let mut db = dialect::connect(&url).map_err(|cause| OpenError::Connect {
            url: display_url.clone(),
            cause,
        })?;
        migrations::run(&mut db).map_err(|error| match error {
            MigrationError::Newer(version) => OpenError::NewerSchema {
                url: display_url.clone(),
                version,
            },
            MigrationError::Failed(cause) => OpenError::Migration {
                url: display_url.clone(),
                cause,
            },
        })?;
        let mut conn = Conn(db);
        let key_matches =
            clusters::accepts_key(&mut conn, &key).map_err(|error| OpenError::Connect {
                url: display_url.clone(),
                cause: format!("{error:?}"),
            })?;
        if !key_matches {
            return Err(OpenError::WrongKey { url: display_url });
        }
        let writer = (!dialect::is_remote(&conn.0)).then(|| Arc::new(Semaphore::new(1)));
        let statements = Arc::new(AtomicU64::new(0));
        let size = pool_size.max(1);
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(TIMEOUT)
            .build_unchecked(Manager {
                url: url.clone(),
                statements: Arc::clone(&statements),
                losses: Arc::default(),
            });
        let permits = Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(1)));
        Ok(Self(Arc::new(Inner {
            pool,
            permits,
            writer,
            statements,
            key,
            url,
        })))
    }

    /// Runs read-only queries on a blocking thread.
    ///
    /// # Errors
    /// The error of `f`; [`Error::Unavailable`] when no connection is available within the timeout.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = acquire(&self.0.permits).await?;
        let inner = Arc::clone(&self.0);
        run_blocking(move || {
            let _permit = permit;
            let mut pooled = inner.connection()?;
            let result = f(&mut pooled.conn);
            pooled.record_result(&result);
            result
        })
        .await
    }

    /// Runs `f` in one transaction. On a conflict with another transaction `f` is run again, up to
    /// eight times in all and for at most ten seconds, so it must have no side effects outside the
    /// database.
    ///
    /// # Errors
    /// The error of `f`, after a rollback; [`Error::Unavailable`] when no connection is available
    /// within the timeout, or every attempt conflicted.
    pub async fn write<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let writer = match &self.0.writer {
            Some(writer) => Some(acquire(writer).await?),
            None => None,
        };
        let permit = acquire(&self.0.permits).await?;
        let inner = Arc::clone(&self.0);
        run_blocking(move || {
            let _permits = (writer, permit);
            let (mut attempt, start) = (0, Instant::now());
            loop {
                attempt += 1;
                let mut pooled = inner.connection()?;
                let (result, may_retry) = transaction(&mut pooled.conn, &f);
                pooled.record_result(&result);
                drop(pooled);
                match result {
                    Err(Error::Unavailable { cause })
                        if may_retry && attempt < MAX_ATTEMPTS && start.elapsed() < TIMEOUT =>
                    {
                        tracing::debug!(
                            error = cause,
                            attempt,
                            "write transaction conflicted, retrying"
                        );
                        thread::sleep(backoff(attempt));
                    }
                    result => return result,
                }
            }
        })
        .await
    }

    /// Whether several processes may use this database at the same time: true except for SQLite.
    pub fn is_shared(&self) -> bool {
        self.0.writer.is_none()
    }

    /// Notifies a follower of changes that other processes commit, on a separate connection.
    /// Returns when the follower has ended, and immediately on databases other than PostgreSQL.
    pub async fn listen(&self, follower: impl ChangeListener) {
        let url = self.0.url.clone();
        let (done_tx, done_rx) = tokio::sync::oneshot::channel::<()>();
        // The listener may run until the process exits, which must not wait for it. A blocking task
        // of tokio would delay the shutdown of the runtime.
        let thread = thread::Builder::new().name("changes".to_owned());
        let spawned = thread.spawn(move || {
            let _done_tx = done_tx;
            listener::run(&url, &follower);
        });
        match spawned {
            // The sender is dropped when the thread ends.
            Ok(_) => drop(done_rx.await),
            Err(error) => tracing::error!(%error, "change listener thread not started"),
        }
    }

    /// The number of SQL statements run so far, including `BEGIN` and `COMMIT`.
    pub fn statement_count(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// The key that encrypts secrets.
    pub fn secret_key(&self) -> &SecretKey {
        &self.0.key
    }

    /// Returns the current time of the database.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn now(&self) -> Result<Timestamp, Error> {
        self.read(crate::now).await
    }

    /// Checks that the database responds.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn ping(&self) -> Result<(), Error> {
        self.read(|c| Ok(c.0.ping()?)).await
    }
}

impl Inner {
    fn connection(&self) -> Result<PooledConnection<Manager>, Error> {
        self.pool
            .get()
            .map_err(|e| Error::unavailable(e.to_string()))
    }
}

async fn acquire(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
    match tokio::time::timeout(TIMEOUT, Arc::clone(permits).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Error::unavailable("no free connection within ten seconds")),
    }
}

async fn run_blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let joined = tokio::task::spawn_blocking(f).await;
    joined.unwrap_or_else(|e| Err(Error::internal(format!("database task failed: {e}"))))
}

/// Returns the result, and whether a failed transaction may be retried: not after a commit whose
/// response was lost.
fn transaction<T>(
    conn: &mut Conn,
    f: &impl Fn(&mut Conn) -> Result<T, Error>,
) -> (Result<T, Error>, bool) {
    if let Err(error) = dialect::begin(&mut conn.0) {
        return (Err(error.into()), true);
    }
    match f(conn) {
        Ok(value) => match dialect::commit(&mut conn.0) {
            Ok(()) => (Ok(value), false),
            Err(error) => {
                let conflicted = is_conflict(&error);
                (Err(error.into()), conflicted)
            }
        },
        Err(error) => {
            if let Err(cause) = dialect::rollback(&mut conn.0) {
                tracing::debug!(error = %cause, "rollback failed");
            }
            (Err(error), true)
        }
    }
}

fn is_conflict(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind::SerializationFailure, Error::DatabaseError};
    matches!(error, DatabaseError(SerializationFailure, _))
}

/// The random delay before a retry. Its maximum doubles with each attempt, so that two transactions
/// do not keep conflicting.
fn backoff(attempt: u32) -> Duration {
    let longest = 2_u64.saturating_pow(attempt + 1);
    Duration::from_millis(rand::rng().random_range(1..=longest))
}

/// A connection in the pool.
pub(crate) struct PoolConnection {
    conn: Conn,
    last_used: Instant,
    /// The number of lost connections when this one was last known to work.
    seen_losses: u64,
    losses: Arc<AtomicU64>,
    broken: bool,
}

impl PoolConnection {
    /// Records whether the connection is still usable after a query or transaction.
    fn record_result<T>(&mut self, result: &Result<T, Error>) {
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

/// Why a connection failed; for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConnectError(String);

impl ManageConnection for Manager {
    type Connection = PoolConnection;
    type Error = ConnectError;

    fn connect(&self) -> Result<PoolConnection, ConnectError> {
        let mut db = dialect::connect(&self.url).map_err(ConnectError)?;
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
