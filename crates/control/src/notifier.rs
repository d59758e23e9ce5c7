//! Change notifications within a process. A notification names what changed but never carries
//! content: a subscriber reads the changed objects again.

use std::{
    collections::VecDeque,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{Stream, StreamExt as _};
use model::{
    ContainerId, UserId,
    events::{Event, Topic},
};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::Actor;

/// How many notifications a subscriber may lag behind before it must reload everything.
const BACKLOG: usize = 1024;

/// The position of a notification in the sequence of one process. Data read after a position is at
/// least as recent as the notification. Positions of different processes are not comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPosition {
    process: u64,
    number: u64,
}

impl EventPosition {
    /// A position that belongs to no process.
    pub const UNKNOWN: Self = Self {
        process: 0,
        number: 0,
    };
}

/// Formats process and number as `public/events.js` parses them.
impl fmt::Display for EventPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}:{}", self.process, self.number)
    }
}

impl FromStr for EventPosition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (process, number) = text.split_once(':').ok_or(())?;
        Ok(Self {
            process: u64::from_str_radix(process, 16).map_err(drop)?,
            number: number.parse().map_err(drop)?,
        })
    }
}

/// Who receives a notification.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Audience {
    /// The owner, operators and administrators.
    Owner(UserId),
    /// Operators and administrators.
    Operators,
    /// All signed-in users.
    Everyone,
}

/// A subscription to changes.
pub(crate) struct Changes(broadcast::Receiver<Notice>);

impl Changes {
    /// Waits for a change of one of these topics. Also returns after missed changes.
    pub(crate) async fn wait_for(&mut self, topics: &[Topic]) {
        loop {
            match self.0.recv().await {
                Ok(notice) if !topics.contains(&notice.event.topic) => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                // The notifier lives as long as its subscribers.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Publishes notifications within this process.
#[derive(Clone)]
pub(crate) struct Notifier {
    process: u64,
    sender: broadcast::Sender<Notice>,
    history: Arc<Mutex<History>>,
}

/// The latest notifications, for subscribers that reconnect.
#[derive(Default)]
struct History {
    /// The number of the latest notification.
    latest: u64,
    recent: VecDeque<Notice>,
}

#[derive(Clone, Copy)]
struct Notice {
    number: u64,
    event: Event,
    audience: Audience,
}

impl Default for Notifier {
    fn default() -> Self {
        Self {
            process: rand::random(),
            sender: broadcast::channel(BACKLOG).0,
            history: Arc::default(),
        }
    }
}

impl Notifier {
    /// Publishes an event to its audience. It is fine if there are no subscribers.
    pub(crate) fn publish(&self, event: Event, audience: Audience) {
        let mut history = self.history();
        history.latest += 1;
        let notice = Notice {
            number: history.latest,
            event,
            audience,
        };
        if history.recent.len() == BACKLOG {
            history.recent.pop_front();
        }
        history.recent.push_back(notice);
        // Sent under the lock, so that subscribers receive notifications in order.
        let _ = self.sender.send(notice);
    }

    /// Publishes that a container changed.
    pub(crate) fn publish_container(&self, id: ContainerId, owner: UserId) {
        self.publish(Event::of(Topic::Container, id.0), Audience::Owner(owner));
    }

    /// The position of the latest notification.
    pub(crate) fn position(&self) -> EventPosition {
        self.at(self.history().latest)
    }

    /// Subscribes to changes from now on, for use within this process.
    pub(crate) fn changes(&self) -> Changes {
        Changes(self.sender.subscribe())
    }

    fn at(&self, number: u64) -> EventPosition {
        EventPosition {
            process: self.process,
            number,
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notifications for an actor after a position. A subscriber that lags too far behind, or comes
    /// from another process, receives an event for every topic. Without a position, the stream
    /// starts now.
    pub(crate) fn subscribe_actor(
        &self,
        actor: &Actor,
        after: Option<EventPosition>,
    ) -> impl Stream<Item = (EventPosition, Event)> + Send + use<> {
        let (missed, inbox) = {
            let history = self.history();
            (self.missed(&history, after), self.sender.subscribe())
        };
        let (actor, notifier) = (actor.clone(), self.clone());
        let lagged = self.clone();
        let live = futures::stream::unfold(inbox, move |mut inbox| {
            let lagged = lagged.clone();
            async move {
                match inbox.recv().await {
                    Ok(notice) => Some((vec![notice], inbox)),
                    Err(RecvError::Lagged(_)) => {
                        Some((all_topics(lagged.position().number), inbox))
                    }
                    Err(RecvError::Closed) => None,
                }
            }
        });
        futures::stream::iter([missed])
            .chain(live)
            .flat_map(futures::stream::iter)
            .filter_map(move |notice| {
                let may_know = match notice.audience {
                    Audience::Owner(owner) => actor.may_see(owner),
                    Audience::Operators => actor.role().can_see_all(),
                    Audience::Everyone => true,
                };
                futures::future::ready(may_know.then(|| (notifier.at(notice.number), notice.event)))
            })
    }

    fn missed(&self, history: &History, after: Option<EventPosition>) -> Vec<Notice> {
        let Some(after) = after else {
            return Vec::new();
        };
        let oldest = history
            .recent
            .front()
            .map_or(history.latest + 1, |first| first.number);
        let is_known = after.process == self.process
            && after.number <= history.latest
            && after.number + 1 >= oldest;
        if !is_known {
            return all_topics(history.latest);
        }
        let newer = history
            .recent
            .iter()
            .filter(|notice| notice.number > after.number);
        newer.copied().collect()
    }
}

fn all_topics(number: u64) -> Vec<Notice> {
    let notice = |topic: &Topic| Notice {
        number,
        event: Event::all(*topic),
        audience: Audience::Everyone,
    };
    Topic::ALL.iter().map(notice).collect()
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, StreamExt as _};
    use model::{
        JobId,
        events::{Event, Topic},
    };

    use super::{Audience, BACKLOG, EventPosition, Notifier};
    use crate::Actor;

    /// The events that a subscriber receives without waiting.
    fn received(notifier: &Notifier, after: Option<EventPosition>) -> Vec<Event> {
        let mut stream = Box::pin(notifier.subscribe_actor(&Actor::System, after));
        std::iter::from_fn(|| stream.next().now_or_never().flatten())
            .map(|(_, event)| event)
            .collect()
    }

    fn job(id: i64) -> Event {
        Event::of(Topic::Job, JobId(id).0)
    }

    #[test]
    fn reconnecting_subscriber_receives_missed_events() {
        let notifier = Notifier::default();
        notifier.publish(job(1), Audience::Everyone);
        let before = notifier.position();
        assert_eq!(received(&notifier, Some(before)), []);
        notifier.publish(job(2), Audience::Everyone);
        notifier.publish(job(3), Audience::Operators);
        assert_eq!(received(&notifier, Some(before)), [job(2), job(3)]);
        assert_eq!(received(&notifier, None), []);
    }

    #[test]
    fn lagging_subscriber_receives_all_topics() {
        let notifier = Notifier::default();
        let before = notifier.position();
        for id in 0..=BACKLOG as i64 {
            notifier.publish(job(id), Audience::Everyone);
        }
        assert!(received(&notifier, Some(before)).contains(&Event::all(Topic::Container)));
        let other_process = Notifier::default().position();
        assert!(received(&notifier, Some(other_process)).contains(&Event::all(Topic::Site)));
    }

    #[test]
    fn position_survives_formatting() {
        let position = Notifier::default().position();
        assert_eq!(position.to_string().parse(), Ok(position));
        assert_eq!("nowhere".parse::<EventPosition>(), Err(()));
    }
}
