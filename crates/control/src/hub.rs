//! Tells listeners what changed. Never carries content: a listener asks again for what it shows.

use futures::{Stream, StreamExt as _};
use model::{
    UserId,
    events::{Event, Topic},
};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::Actor;

/// Notices that a slow listener may be behind before it is told to read everything again.
const BACKLOG: usize = 1024;

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
pub(crate) struct Hub(broadcast::Sender<(Event, Audience)>);

impl Default for Hub {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl Hub {
    /// Tells everybody who may know; nobody listening is fine.
    pub(crate) fn tell(&self, event: Event, audience: Audience) {
        let _ = self.0.send((event, audience));
    }

    /// The notices for an actor, from now on. Who falls behind is told that everything changed.
    pub(crate) fn listen(&self, actor: &Actor) -> impl Stream<Item = Event> + Send + use<> {
        let actor = actor.clone();
        let inbox = self.0.subscribe();
        futures::stream::unfold(inbox, |mut inbox| async move {
            match inbox.recv().await {
                Ok((event, audience)) => Some((vec![(event, audience)], inbox)),
                Err(RecvError::Lagged(_)) => Some((everything(), inbox)),
                Err(RecvError::Closed) => None,
            }
        })
        .flat_map(futures::stream::iter)
        .filter_map(move |(event, audience)| {
            let may_know = match audience {
                Audience::Owner(owner) => actor.may_see(owner),
                Audience::Operators => actor.role().sees_all(),
                Audience::Everyone => true,
            };
            futures::future::ready(may_know.then_some(event))
        })
    }
}

fn everything() -> Vec<(Event, Audience)> {
    [
        Topic::Container,
        Topic::Job,
        Topic::JobLog,
        Topic::Nodes,
        Topic::Site,
        Topic::User,
    ]
    .map(|topic| (Event::all(topic), Audience::Everyone))
    .to_vec()
}
