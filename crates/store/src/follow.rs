//! What other servers that share a PostgreSQL change, told by the database itself as it is committed
//! (`LISTEN`): which sites have something new for their edge hosts. A trigger on `sites` says so, so
//! that no write can forget to. The other databases have nothing like it; who asks looks again now
//! and then.

use std::{
    thread,
    time::{Duration, Instant},
};

use diesel::{PgConnection, QueryResult, connection::SimpleConnection};
use model::SiteId;

use crate::{
    DatabaseUrl,
    dialect::{self, Db},
};

/// The channel that the trigger of the migration `0011_leases` tells on.
const CHANNEL: &str = "holdfast_sites";
/// How often it is looked whether something has come. That is a look at the connection, which asks
/// the server nothing: neither Diesel nor libpq's own API waits without the socket itself.
const LOOK: Duration = Duration::from_millis(20);
/// How often the connection is tried: one that was cut tells nothing.
const TRIED: Duration = Duration::from_secs(10);
/// The wait before another connection after one was lost.
const AGAIN: Duration = Duration::from_secs(1);

/// Who wants to know.
pub trait Follower: Send + 'static {
    /// Whether it still does.
    fn is_there(&self) -> bool;
    /// Whether changes are told from now on, or not any more. What came before may have been missed.
    fn is_connected(&self, connected: bool);
    /// A site has something new for its edge hosts.
    fn changed(&self, site: SiteId);
}

/// Tells a follower until it is gone. It blocks all that time.
pub(crate) fn follow(url: &DatabaseUrl, follower: &impl Follower) {
    while follower.is_there() {
        match dialect::connect(url) {
            Ok(Db::Postgres(mut connection)) => {
                let end = listen(&mut connection, follower);
                follower.is_connected(false);
                if let Err(error) = end {
                    tracing::warn!(%error, "the database tells of no changes now");
                }
            }
            Ok(_) => return,
            Err(cause) => tracing::debug!(cause, "no connection to hear of changes by"),
        }
        let since = Instant::now();
        while follower.is_there() && since.elapsed() < AGAIN {
            thread::sleep(LOOK);
        }
    }
}

fn listen(connection: &mut PgConnection, follower: &impl Follower) -> QueryResult<()> {
    connection.batch_execute(&format!("LISTEN {CHANNEL}"))?;
    follower.is_connected(true);
    let mut tried = Instant::now();
    while follower.is_there() {
        for told in connection.notifications_iter() {
            if let Ok(site) = told?.payload.parse() {
                follower.changed(SiteId(site));
            }
        }
        if tried.elapsed() > TRIED {
            connection.batch_execute("SELECT 1")?;
            tried = Instant::now();
        }
        thread::sleep(LOOK);
    }
    Ok(())
}
