//! Listens for changes that other servers of the same database make to site configurations. Their
//! notifications stay within their own process, so without this listener a pending poll request of
//! an agent would notice such a change only by polling the database.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use model::SiteId;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::Control;

/// How many changes a subscriber may lag behind before it assumes that its site changed.
const BACKLOG: usize = 256;
/// The polling interval while the database sends no notifications: MariaDB never does.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The polling interval while it does, in case a notification is lost.
const POLL_INTERVAL_CONNECTED: Duration = Duration::from_secs(10);

/// Distributes these changes within this process.
pub(crate) struct ChangeListener {
    sites: broadcast::Sender<SiteId>,
    connected: Arc<AtomicBool>,
}

impl Default for ChangeListener {
    fn default() -> Self {
        Self {
            sites: broadcast::channel(BACKLOG).0,
            connected: Arc::default(),
        }
    }
}

impl ChangeListener {
    /// Subscribes to changes from now on.
    pub(crate) fn changes(&self) -> Changes {
        Changes(self.sites.subscribe())
    }

    /// The current interval for polling the database.
    pub(crate) fn poll_interval(&self) -> Duration {
        if self.connected.load(Ordering::Relaxed) {
            POLL_INTERVAL_CONNECTED
        } else {
            POLL_INTERVAL
        }
    }
}

/// A subscription to changed sites.
pub(crate) struct Changes(broadcast::Receiver<SiteId>);

impl Changes {
    /// Waits for a change of a site. Also returns after missed changes.
    pub(crate) async fn wait_for(&mut self, site: SiteId) {
        loop {
            match self.0.recv().await {
                Ok(changed) if changed != site => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Ends when the program stops or the change listener is dropped.
struct Follower {
    sites: broadcast::Sender<SiteId>,
    connected: Weak<AtomicBool>,
    stop: CancellationToken,
}

impl store::ChangeListener for Follower {
    fn is_active(&self) -> bool {
        !self.stop.is_cancelled() && self.connected.strong_count() > 0
    }

    fn on_connection_change(&self, connected: bool) {
        if let Some(flag) = self.connected.upgrade() {
            flag.store(connected, Ordering::Relaxed);
        }
    }

    fn on_site_changed(&self, site: SiteId) {
        // It is fine if there are no subscribers.
        let _ = self.sites.send(site);
    }
}

/// Follows changes until the program stops.
pub(crate) async fn follow(control: Control) {
    if !control.store().is_shared() {
        return;
    }
    let change_listener = &control.0.change_listener;
    let follower = Follower {
        sites: change_listener.sites.clone(),
        connected: Arc::downgrade(&change_listener.connected),
        stop: control.0.stop.clone(),
    };
    // Drops `control`, which would otherwise be kept alive by this task.
    let store = control.store().clone();
    drop(control);
    store.listen(follower).await;
}
