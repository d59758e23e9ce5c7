//! Connections, and how work gets one: on threads where it may block, no more at once than there
//! are connections, within a time limit, and for writes again when two transactions collided.

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
    follow::{self, Follower},
    migrations::{self, MigrationError},
};

/// How long work waits for its turn, and for a new connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection to a server that was idle for longer is tried before it is used.
const FRESH: Duration = Duration::from_secs(15);
/// How often a write is tried before its collision with others is told.
const TRIES: u32 = 8;

/// How to open a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which database.
    pub url: DatabaseUrl,
    /// What secrets in it are encrypted with.
    pub key: SecretKey,
    /// How many connections at most; at least one.
    pub pool_size: u32,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing answers there, or it refuses us.
    #[error("The database {url} cannot be opened: {cause}.")]
    Connect {
        /// Which, without its password.
        url: String,
        /// Why.
        cause: String,
    },
    /// A newer Holdfast has changed the tables.
    #[error(
        "A newer version of Holdfast has used the database {url} (step {version}). Start that \
         version, or restore a backup from before."
    )]
    Newer {
        /// Which, without its password.
        url: String,
        /// The step that is not known here.
        version: String,
    },
    /// The tables could not be brought up to date.
    #[error("The tables of the database {url} could not be brought up to date: {cause}.")]
    Migrate {
        /// Which, without its password.
        url: String,
        /// Why.
        cause: String,
    },
    /// The secrets in the database were encrypted with another key.
    #[error(
        "The secret key is not the one that the secrets in the database {url} were encrypted \
         with. Put back the key file that belongs to it."
    )]
    WrongKey {
        /// Which, without its password.
        url: String,
    },
}

/// A connection, for the functions of this crate's modules.
pub struct Conn(pub(crate) Db);

/// The database. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    pool: Pool<Manager>,
    seats: Arc<Semaphore>,
    /// SQLite has one writer: they queue here in order, not by polling its lock.
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
    /// Connects, brings the tables up to date and checks the secret key.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let url = options.url.to_string();
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(options)).await;
        opened.unwrap_or_else(|e| {
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
        let shown = url.to_string();
        // A connection of its own: the pool would tell only that waiting took too long.
        let mut db = dialect::connect(&url).map_err(|cause| OpenError::Connect {
            url: shown.clone(),
            cause,
        })?;
        migrations::run(&mut db).map_err(|error| match error {
            MigrationError::Newer(version) => OpenError::Newer {
                url: shown.clone(),
                version,
            },
            MigrationError::Failed(cause) => OpenError::Migrate {
                url: shown.clone(),
                cause,
            },
        })?;
        let mut conn = Conn(db);
        let opens = clusters::opens(&mut conn, &key).map_err(|error| OpenError::Connect {
            url: shown.clone(),
            cause: format!("{error:?}"),
        })?;
        if !opens {
            return Err(OpenError::WrongKey { url: shown });
        }
        let writer = (!dialect::is_remote(&conn.0)).then(|| Arc::new(Semaphore::new(1)));
        let statements = Arc::new(AtomicU64::new(0));
        let size = pool_size.max(1);
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(PATIENCE)
            .build_unchecked(Manager {
                url: url.clone(),
                statements: Arc::clone(&statements),
                losses: Arc::default(),
            });
        let seats = Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(1)));
        Ok(Self(Arc::new(Inner {
            pool,
            seats,
            writer,
            statements,
            key,
            url,
        })))
    }

    /// Runs queries that change nothing, on a thread where they may block.
    ///
    /// # Errors
    /// What `f` says; [`Error::Unavailable`] when no connection is free or to be had in time.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let seat = turn(&self.0.seats).await?;
        let inner = Arc::clone(&self.0);
        on_thread(move || {
            let _seat = seat;
            let mut live = inner.connection()?;
            let result = f(&mut live.conn);
            live.settle(&result);
            result
        })
        .await
    }

    /// Runs `f` in one transaction. It is run again, up to eight times in all and for at most ten
    /// seconds, when it collides with another, so it must do nothing but work on the database.
    ///
    /// # Errors
    /// What `f` says, and then nothing was changed; [`Error::Unavailable`] when no connection is
    /// free or to be had in time, or others were in the way every time.
    pub async fn write<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let writer = match &self.0.writer {
            Some(writer) => Some(turn(writer).await?),
            None => None,
        };
        let seat = turn(&self.0.seats).await?;
        let inner = Arc::clone(&self.0);
        on_thread(move || {
            let _turns = (writer, seat);
            let (mut tries, began) = (0, Instant::now());
            loop {
                tries += 1;
                let mut live = inner.connection()?;
                let (result, again) = transaction(&mut live.conn, &f);
                live.settle(&result);
                drop(live);
                match result {
                    Err(Error::Unavailable { cause })
                        if again && tries < TRIES && began.elapsed() < PATIENCE =>
                    {
                        tracing::debug!(cause, tries, "a write collided and is run again");
                        thread::sleep(pause(tries));
                    }
                    result => return result,
                }
            }
        })
        .await
    }

    /// Whether several processes may work on this database at once: not on SQLite's file.
    pub fn is_shared(&self) -> bool {
        self.0.writer.is_none()
    }

    /// Tells a follower what other servers change, where the database can: PostgreSQL. Returns at
    /// once where it cannot, or when the follower is gone; it holds a connection of its own.
    pub async fn follow(&self, follower: impl Follower) {
        let url = self.0.url.clone();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        // A thread of its own, for it may be as old as the program, and nobody's end waits for it.
        let thread = thread::Builder::new().name("changes".to_owned());
        let begun = thread.spawn(move || {
            let _end = end;
            follow::follow(&url, &follower);
        });
        match begun {
            // It ends by being dropped.
            Ok(_) => drop(ended.await),
            Err(error) => tracing::error!(%error, "changes of other servers are not followed"),
        }
    }

    /// How many statements have been run through this store so far, transactions' own included.
    pub fn statements(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// What secrets are encrypted with, for the functions that ask for it.
    pub fn key(&self) -> &SecretKey {
        &self.0.key
    }

    /// The database's clock.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn now(&self) -> Result<Timestamp, Error> {
        self.read(crate::now).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
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

async fn turn(seats: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
    match tokio::time::timeout(PATIENCE, Arc::clone(seats).acquire_owned()).await {
        Ok(Ok(seat)) => Ok(seat),
        _ => Err(Error::unavailable(
            "every connection was busy for ten seconds",
        )),
    }
}

async fn on_thread<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let joined = tokio::task::spawn_blocking(f).await;
    joined.unwrap_or_else(|e| Err(Error::internal(format!("work on the database ended: {e}"))))
}

/// The outcome, and whether it may be tried again: not after a commit whose answer was lost.
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
                let collided = is_collision(&error);
                (Err(error.into()), collided)
            }
        },
        Err(error) => {
            if let Err(cause) = dialect::rollback(&mut conn.0) {
                tracing::debug!(%cause, "a transaction could not be rolled back");
            }
            (Err(error), true)
        }
    }
}

fn is_collision(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind::SerializationFailure, Error::DatabaseError};
    matches!(error, DatabaseError(SerializationFailure, _))
}

/// How long a write that collided waits before it is tried again: a random time, of at most twice the
/// length each time, so that two do not collide again and again.
fn pause(tries: u32) -> Duration {
    let longest = 2_u64.saturating_pow(tries + 1);
    Duration::from_millis(rand::rng().random_range(1..=longest))
}

/// A connection in the pool.
pub(crate) struct Live {
    conn: Conn,
    used: Instant,
    /// How many connections had been lost when this one was last known to work.
    seen_losses: u64,
    losses: Arc<AtomicU64>,
    broken: bool,
}

impl Live {
    /// Looks after the connection when work on it has ended.
    fn settle<T>(&mut self, result: &Result<T, Error>) {
        self.used = Instant::now();
        if matches!(result, Err(Error::Unavailable { .. })) {
            self.broken = dialect::is_broken(&mut self.conn.0);
            // Where one was cut the others may be, too: each is tried before it is used again.
            self.losses
                .fetch_add(u64::from(self.broken), Ordering::Relaxed);
        }
    }
}

/// Makes connections for the pool.
pub(crate) struct Manager {
    url: DatabaseUrl,
    statements: Arc<AtomicU64>,
    losses: Arc<AtomicU64>,
}

/// Why there is no connection; for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

impl ManageConnection for Manager {
    type Connection = Live;
    type Error = Refused;

    fn connect(&self) -> Result<Live, Refused> {
        let mut db = dialect::connect(&self.url).map_err(Refused)?;
        let statements = Arc::clone(&self.statements);
        db.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                statements.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(Live {
            conn: Conn(db),
            used: Instant::now(),
            seen_losses: self.losses.load(Ordering::Relaxed),
            losses: Arc::clone(&self.losses),
            broken: false,
        })
    }

    fn is_valid(&self, live: &mut Live) -> Result<(), Refused> {
        let losses = self.losses.load(Ordering::Relaxed);
        let trusted = live.used.elapsed() < FRESH && live.seen_losses == losses;
        if trusted || !dialect::is_remote(&live.conn.0) {
            return Ok(());
        }
        live.conn.0.ping().map_err(|e| Refused(e.to_string()))?;
        live.seen_losses = losses;
        Ok(())
    }

    fn has_broken(&self, live: &mut Live) -> bool {
        thread::panicking() || live.broken || live.conn.0.is_broken()
    }
}
