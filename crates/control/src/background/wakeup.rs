//! What wakes the reconcilers of this process.

use std::time::Duration;

use model::events::Topic;
use tokio::sync::watch;

use crate::{
    clock::Clock,
    notifier::{Changes, Notifier},
};

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

/// Everything that wakes a reconciler.
pub(crate) struct WakeSources {
    topics: &'static [Topic],
    changes: Changes,
    wakeup: watch::Receiver<u64>,
    clock: watch::Receiver<u64>,
}

impl WakeSources {
    /// Subscribes from now on to changes of these topics, to wake-ups and to advances of the clock.
    pub(crate) fn new(
        topics: &'static [Topic],
        notifier: &Notifier,
        wakeup: &Wakeup,
        clock: &Clock,
    ) -> Self {
        Self {
            topics,
            changes: notifier.changes(),
            wakeup: wakeup.subscribe(),
            clock: clock.subscribe(),
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
