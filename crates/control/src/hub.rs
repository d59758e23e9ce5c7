//! Tells listeners what changed. Never carries content: a listener asks again for what it shows.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::{Stream, StreamExt as _};
use model::{
    UserId,
    events::{Event, Topic},
};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::Actor;

/// Notices that a slow listener may be behind before it is told to read everything again.
const BACKLOG: usize = 1024;

/// How far the notices of a process have come: what was read after one was told is not older than
/// it. Two places compare only within one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    process: u64,
    number: u64,
}

/// The process and the number, as `public/events.js` reads them.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}:{}", self.process, self.number)
    }
}

/// Who may know of a change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Audience {
    /// The owner, and who sees everything.
    Owner(UserId),
    /// Who sees everything.
    Operators,
    /// Everybody who is signed in.
    Everyone,
}

/// The exchange of notices within this process.
#[derive(Clone)]
pub(crate) struct Hub {
    process: u64,
    told: Arc<AtomicU64>,
    line: broadcast::Sender<Notice>,
}

#[derive(Clone, Copy)]
struct Notice {
    number: u64,
    event: Event,
    audience: Audience,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            process: rand::random(),
            told: Arc::default(),
            line: broadcast::channel(BACKLOG).0,
        }
    }
}

impl Hub {
    /// Tells everybody who may know; nobody listening is fine.
    pub(crate) fn tell(&self, event: Event, audience: Audience) {
        let number = self.told.fetch_add(1, Ordering::SeqCst) + 1;
        let _ = self.line.send(Notice {
            number,
            event,
            audience,
        });
    }

    /// How far the notices have come.
    pub(crate) fn place(&self) -> Place {
        self.at(self.told.load(Ordering::SeqCst))
    }

    fn at(&self, number: u64) -> Place {
        Place {
            process: self.process,
            number,
        }
    }

    /// The notices for an actor, from now on. Who falls behind is told that everything changed.
    pub(crate) fn listen(
        &self,
        actor: &Actor,
    ) -> impl Stream<Item = (Place, Event)> + Send + use<> {
        let (actor, hub) = (actor.clone(), self.clone());
        let inbox = self.line.subscribe();
        let lost = self.clone();
        futures::stream::unfold(inbox, move |mut inbox| {
            let lost = lost.clone();
            async move {
                match inbox.recv().await {
                    Ok(notice) => Some((vec![notice], inbox)),
                    Err(RecvError::Lagged(_)) => Some((everything(lost.place().number), inbox)),
                    Err(RecvError::Closed) => None,
                }
            }
        })
        .flat_map(futures::stream::iter)
        .filter_map(move |notice| {
            let may_know = match notice.audience {
                Audience::Owner(owner) => actor.may_see(owner),
                Audience::Operators => actor.role().sees_all(),
                Audience::Everyone => true,
            };
            futures::future::ready(may_know.then(|| (hub.at(notice.number), notice.event)))
        })
    }
}

fn everything(number: u64) -> Vec<Notice> {
    [
        Topic::Container,
        Topic::Job,
        Topic::JobLog,
        Topic::Nodes,
        Topic::Site,
        Topic::User,
    ]
    .map(|topic| Notice {
        number,
        event: Event::all(topic),
        audience: Audience::Everyone,
    })
    .to_vec()
}
