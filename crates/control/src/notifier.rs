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
    permissions::Rule,
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
    /// Who may learn of the event.
    rule: Rule,
    /// The owner of the object, if it has one.
    owner: Option<UserId>,
}

impl Notice {
    fn new(event: Event) -> Self {
        Self {
            number: 0,
            event,
            rule: event.topic.rule(),
            owner: None,
        }
    }

    /// An event without an object reveals only that the topic exists, so owners of any object of
    /// that kind receive it.
    fn is_visible_to(&self, actor: &Actor) -> bool {
        let me = actor.me().map(|me| me.id);
        let owner = match self.event.id {
            Some(_) => self.owner,
            None => me,
        };
        actor.may_receive(self.rule, owner)
    }
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
    /// Publishes an event to those whom the rule of its topic allows. It is fine if there are no
    /// subscribers.
    pub(crate) fn publish(&self, event: Event) {
        self.send(Notice::new(event));
    }

    /// Publishes an event about an object of `owner`.
    pub(crate) fn publish_owned(&self, event: Event, owner: UserId) {
        let owner = Some(owner);
        self.send(Notice {
            owner,
            ..Notice::new(event)
        });
    }

    /// Publishes an event that changes only what operators see of an object.
    pub(crate) fn publish_to_operators(&self, event: Event) {
        let rule = Rule::Operator;
        self.send(Notice {
            rule,
            ..Notice::new(event)
        });
    }

    fn send(&self, notice: Notice) {
        let mut history = self.history();
        history.latest += 1;
        let number = history.latest;
        let notice = Notice { number, ..notice };
        if history.recent.len() == BACKLOG {
            history.recent.pop_front();
        }
        history.recent.push_back(notice);
        // Sent under the lock, so that subscribers receive notifications in order.
        let _ = self.sender.send(notice);
    }

    /// Publishes that a container changed.
    pub(crate) fn publish_container(&self, id: ContainerId, owner: UserId) {
        self.publish_owned(Event::of(Topic::Container, id.0), owner);
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
                let is_visible = notice.is_visible_to(&actor);
                futures::future::ready(
                    is_visible.then(|| (notifier.at(notice.number), notice.event)),
                )
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
        ..Notice::new(Event::all(*topic))
    };
    Topic::ALL.iter().map(notice).collect()
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, StreamExt as _};
    use model::{
        JobId, UserId,
        events::{Event, Topic},
        session::CurrentUser,
        users::Role,
    };

    use super::{BACKLOG, EventPosition, Notifier};
    use crate::Actor;

    /// The events that the manager receives without waiting.
    fn received(notifier: &Notifier, after: Option<EventPosition>) -> Vec<Event> {
        received_by(&Actor::System, notifier, after)
    }

    fn received_by(actor: &Actor, notifier: &Notifier, after: Option<EventPosition>) -> Vec<Event> {
        let mut stream = Box::pin(notifier.subscribe_actor(actor, after));
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
        notifier.publish(job(1));
        let before = notifier.position();
        assert_eq!(received(&notifier, Some(before)), []);
        notifier.publish(job(2));
        notifier.publish(job(3));
        assert_eq!(received(&notifier, Some(before)), [job(2), job(3)]);
        assert_eq!(received(&notifier, None), []);
    }

    #[test]
    fn lagging_subscriber_receives_all_topics() {
        let notifier = Notifier::default();
        let before = notifier.position();
        for id in 0..=BACKLOG as i64 {
            notifier.publish(job(id));
        }
        assert!(received(&notifier, Some(before)).contains(&Event::all(Topic::Container)));
        let other_process = Notifier::default().position();
        assert!(received(&notifier, Some(other_process)).contains(&Event::all(Topic::Site)));
    }

    fn user(id: i64, role: Role) -> Actor {
        Actor::User(CurrentUser {
            id: UserId(id),
            name: "ann".parse().unwrap(),
            role,
        })
    }

    /// The expected recipients of an event about an object of user 1: user 1, another member, an
    /// operator and an administrator.
    fn recipients(topic: Topic) -> [bool; 4] {
        match topic {
            Topic::Container | Topic::Job | Topic::JobLog => [true, false, true, true],
            Topic::User | Topic::Session => [true, false, false, true],
            Topic::Invitation => [false, false, false, true],
            Topic::Site | Topic::Domain => [true, true, true, true],
            Topic::Nodes
            | Topic::Certificate
            | Topic::Authority
            | Topic::Provider
            | Topic::Host
            | Topic::Contact => [false, false, true, true],
        }
    }

    #[test]
    fn events_about_an_object_reach_only_users_who_may_see_it() {
        let actors = [
            user(1, Role::Member),
            user(2, Role::Member),
            user(3, Role::Operator),
            user(4, Role::Administrator),
        ];
        for topic in Topic::ALL {
            let notifier = Notifier::default();
            let before = notifier.position();
            let event = Event::of(*topic, 7);
            notifier.publish_owned(event, UserId(1));
            let receives = |actor| received_by(actor, &notifier, Some(before)) == [event];
            assert_eq!(
                actors.each_ref().map(receives),
                recipients(*topic),
                "{topic:?}"
            );
            // Without an owner, no member is the owner.
            let before = notifier.position();
            notifier.publish(event);
            let receives = |actor| received_by(actor, &notifier, Some(before)) == [event];
            let [_, other, operator, administrator] = recipients(*topic);
            let expected = [other, other, operator, administrator];
            assert_eq!(actors.each_ref().map(receives), expected, "{topic:?}");
            let before = notifier.position();
            notifier.publish_to_operators(Event::of(Topic::Site, 7));
            assert!(received_by(&actors[0], &notifier, Some(before)).is_empty());
        }
    }

    #[test]
    fn lagging_member_receives_topics_without_objects() {
        let member = user(1, Role::Member);
        let events = received_by(&member, &Notifier::default(), Some(EventPosition::UNKNOWN));
        assert!(events.contains(&Event::all(Topic::Container)));
        assert!(!events.contains(&Event::all(Topic::Host)));
        assert!(events.iter().all(|event| event.id.is_none()));
    }

    #[test]
    fn position_survives_formatting() {
        let position = Notifier::default().position();
        assert_eq!(position.to_string().parse(), Ok(position));
        assert_eq!("nowhere".parse::<EventPosition>(), Err(()));
    }
}
