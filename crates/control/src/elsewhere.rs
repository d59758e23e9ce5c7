//! What other servers of the same database change for edge hosts, as the database tells of it. Their
//! notices stay in their own process, so without this an agent's held question would hear of a change
//! made there only when it is looked for.

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

/// How many changes a listener may be behind before it takes everything as changed.
const BACKLOG: usize = 256;
/// How often it is looked for changes while the database tells of none: MariaDB never does.
const LOOK: Duration = Duration::from_secs(1);
/// The same while it does, should a word of it be lost.
const LOOK_SELDOM: Duration = Duration::from_secs(10);

/// The exchange of these changes within this process.
pub(crate) struct Elsewhere {
    sites: broadcast::Sender<SiteId>,
    told: Arc<AtomicBool>,
}

impl Default for Elsewhere {
    fn default() -> Self {
        Self {
            sites: broadcast::channel(BACKLOG).0,
            told: Arc::default(),
        }
    }
}

impl Elsewhere {
    /// Changes from now on.
    pub(crate) fn changes(&self) -> Changes {
        Changes(self.sites.subscribe())
    }

    /// How often it is to be looked for changes all the same.
    pub(crate) fn look_every(&self) -> Duration {
        if self.told.load(Ordering::Relaxed) {
            LOOK_SELDOM
        } else {
            LOOK
        }
    }
}

/// Changes, one after another.
pub(crate) struct Changes(broadcast::Receiver<SiteId>);

impl Changes {
    /// Waits for a change of one site, or for so many that some were missed.
    pub(crate) async fn of(&mut self, site: SiteId) {
        loop {
            match self.0.recv().await {
                Ok(changed) if changed != site => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Ends when the program does, or all that could listen is gone.
struct Follower {
    sites: broadcast::Sender<SiteId>,
    told: Weak<AtomicBool>,
    stop: CancellationToken,
}

impl store::Follower for Follower {
    fn is_there(&self) -> bool {
        !self.stop.is_cancelled() && self.told.strong_count() > 0
    }

    fn is_connected(&self, connected: bool) {
        if let Some(told) = self.told.upgrade() {
            told.store(connected, Ordering::Relaxed);
        }
    }

    fn changed(&self, site: SiteId) {
        // Nobody waiting is fine.
        let _ = self.sites.send(site);
    }
}

/// Hears of changes until the program ends.
pub(crate) async fn follow(control: Control) {
    if !control.store().is_shared() {
        return;
    }
    let elsewhere = &control.0.elsewhere;
    let follower = Follower {
        sites: elsewhere.sites.clone(),
        told: Arc::downgrade(&elsewhere.told),
        stop: control.0.stop.clone(),
    };
    // Without this server's own door: that would keep it open.
    let store = control.store().clone();
    drop(control);
    store.follow(follower).await;
}
