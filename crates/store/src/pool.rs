//! The connection pool. Queries run on blocking threads, at most as many at once as there are
//! connections, with a timeout. A write is retried when its transaction conflicts with another one.

mod connection;
mod transaction;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use connection::Manager;
use diesel::r2d2::{Pool, PooledConnection, R2D2Connection as _};
use model::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use transaction::{transaction, wait_before_retry};

use crate::{
    DatabaseUrl, Error, SecretKey, clusters, containers,
    dialect::{self, Db},
    listener::{self, ChangeListener},
    migrations::{self, MigrationError},
};

/// The timeout for a free slot in the pool, for a new connection, and for retries of a write.
const TIMEOUT: Duration = Duration::from_secs(10);
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

/// A database connection with the key that encrypts secrets; the functions of this crate take it as
/// their first argument.
pub struct Conn(pub(crate) Db, pub(crate) SecretKey);

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
    /// Connects, runs pending migrations, checks the secret key, and encrypts what earlier versions
    /// stored unencrypted.
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
        let mut conn = Conn(db, key.clone());
        let key_matches =
            clusters::accepts_key(&mut conn, &key).map_err(|error| OpenError::Connect {
                url: display_url.clone(),
                cause: format!("{error:?}"),
            })?;
        if !key_matches {
            return Err(OpenError::WrongKey { url: display_url });
        }
        containers::encrypt_plain(&mut conn).map_err(|error| OpenError::Migration {
            url: display_url,
            cause: format!("{error:?}"),
        })?;
        let writer = (!dialect::is_remote(&conn.0)).then(|| Arc::new(Semaphore::new(1)));
        let statements = Arc::new(AtomicU64::new(0));
        let size = pool_size.max(1);
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(TIMEOUT)
            .build_unchecked(Manager::new(
                url.clone(),
                key.clone(),
                Arc::clone(&statements),
            ));
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
                        wait_before_retry(attempt);
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
            Err(error) => tracing::error!(%error, "change listener start failed"),
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
