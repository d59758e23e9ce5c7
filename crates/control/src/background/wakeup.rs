//! What wakes the reconcilers of this process.

use std::time::Duration;

use model::events::Topic;
use tokio::sync::watch;

use crate::{Control, notifier::Changes};

/// How long changes are collected before a pass.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// A wake-up for any number of subscribers. Wake-ups are not counted: a subscriber that was woken
/// several times runs once.
#[derive(Debug, Default)]
pub(crate) struct Wakeup(watch::Sender<u64>);

impl Wakeup {
    /// Wakes all subscribers.
    pub(crate) fn notify(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// Subscribes to wake-ups from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// Everything that wakes a reconciler of certificates or DNS records.
pub(crate) struct WakeSources {
    topics: &'static [Topic],
    changes: Changes,
    wakeup: watch::Receiver<u64>,
    clock: watch::Receiver<u64>,
}

impl WakeSources {
    /// Subscribes to changes of these topics and to wake-ups from now on.
    pub(crate) fn subscribe(control: &Control, topics: &'static [Topic]) -> Self {
        Self {
            topics,
            changes: control.notifier().changes(),
            wakeup: control.certificate_wakeup().subscribe(),
            clock: control.clock().subscribe(),
        }
    }

    /// Completes when there may be work. Wake-ups in quick succession count as one.
    pub(crate) async fn woken(&mut self) {
        tokio::select! {
            () = self.changes.wait_for(self.topics) => {}
            _ = self.wakeup.changed() => {}
            _ = self.clock.changed() => {}
        }
        tokio::time::sleep(DEBOUNCE).await;
    }
}
