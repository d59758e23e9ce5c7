//! Change notifications between processes that share a PostgreSQL database (`LISTEN`): which sites
//! have a new generation. A trigger on `sites` sends the notification on commit, so no write can
//! omit it. SQLite and MySQL have no such mechanism; there the callers poll.

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

/// The channel that the trigger of the migration `0003_sites` notifies.
const CHANNEL: &str = "holdfast_site_changes";
/// How often the connection is checked for notifications. The check sends nothing to the server;
/// neither Diesel nor libpq can wait for a notification without access to the socket.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How often a query checks the connection: a lost connection delivers no notifications.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// The delay before a reconnect.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// A receiver of change notifications.
pub trait ChangeListener: Send + 'static {
    /// Whether the receiver still wants notifications.
    fn is_active(&self) -> bool;
    /// Called when the connection is established or lost. Earlier changes may have been missed.
    fn on_connection_change(&self, connected: bool);
    /// Called when a site has a new generation.
    fn on_site_changed(&self, site: SiteId);
}

/// Notifies a follower until it has ended. Blocks the thread.
#[expect(
    clippy::disallowed_methods,
    reason = "the change listener has a thread of its own"
)]
pub(crate) fn run(url: &DatabaseUrl, follower: &impl ChangeListener) {
    while follower.is_active() {
        match dialect::connect(url) {
            Ok(Db::Postgres(mut connection)) => {
                let result = listen(&mut connection, follower);
                follower.on_connection_change(false);
                if let Err(error) = result {
                    tracing::warn!(%error, "change listener disconnected");
                }
            }
            Ok(_) => return,
            Err(error) => tracing::debug!(error, "change listener connection failed"),
        }
        let lost_at = Instant::now();
        while follower.is_active() && lost_at.elapsed() < RECONNECT_DELAY {
            thread::sleep(POLL_INTERVAL);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the change listener has a thread of its own"
)]
fn listen(connection: &mut PgConnection, follower: &impl ChangeListener) -> QueryResult<()> {
    connection.batch_execute(&format!("LISTEN {CHANNEL}"))?;
    follower.on_connection_change(true);
    let mut last_ping = Instant::now();
    while follower.is_active() {
        for notification in connection.notifications_iter() {
            if let Ok(site) = notification?.payload.parse() {
                follower.on_site_changed(SiteId(site));
            }
        }
        if last_ping.elapsed() > PING_INTERVAL {
            connection.batch_execute("SELECT 1")?;
            last_ping = Instant::now();
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}
