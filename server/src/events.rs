//! The stream of changes that a browser listens to: which thing changed, never its content. It
//! ends when the session does, when the person's rights change, and when the process stops.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderName, StatusCode, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use control::{Actor, Control, Place, sessions};
use futures::{StreamExt as _, future, stream};
use model::UserId;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::{router::AppState, session::Token};

/// A sign of life for proxies, and how often the session is looked at again.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a browser whose stream broke tries again.
const RETRY: Duration = Duration::from_secs(2);
/// Streams of one person at a time; browsers share one among their tabs.
const PER_PERSON: usize = 32;

/// Where a stream begins.
#[derive(Deserialize)]
pub struct Begin {
    /// The place that the listener knows; without it the stream begins now.
    after: Option<String>,
}

/// The stream of what changes, for who is signed in.
pub async fn events(
    State(state): State<AppState>,
    Extension(actor): Extension<Option<Actor>>,
    Extension(Token(token)): Extension<Token>,
    Query(Begin { after }): Query<Begin>,
) -> Response {
    let (Some(actor), Some(token)) = (actor, token) else {
        return (StatusCode::UNAUTHORIZED, "Sign in first.\n").into_response();
    };
    let Some(open) = actor.me().and_then(|me| state.streams.open(me.id, &token)) else {
        let retry = [(header::RETRY_AFTER, "15")];
        let words = "Too many pages of yours listen at once. Close some.\n";
        return (StatusCode::TOO_MANY_REQUESTS, retry, words).into_response();
    };
    // Words that are no place are of another version of the program: nothing after it is known.
    let after = after.map(|text| text.parse().unwrap_or(Place::UNKNOWN));
    let changes = state
        .control
        .events(&actor, after)
        .filter_map(|(place, change)| {
            future::ready(
                Event::default()
                    .id(place.to_string())
                    .json_data(change)
                    .map(Ok::<_, Infallible>)
                    .ok(),
            )
        });
    let hello = Event::default()
        .retry(RETRY)
        .event("hello")
        .data(state.control.place().to_string());
    let ended = ended(state, actor, token, open.ended.clone());
    let events = stream::once(future::ready(Ok(hello)))
        .chain(changes)
        .take_until(Box::pin(ended))
        .inspect(move |_| {
            // Held for as long as the stream is.
            let _ = &open;
        });
    let unbuffered = [
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (
        unbuffered,
        Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)),
    )
        .into_response()
}

/// Waits until the stream has to end.
async fn ended(state: AppState, actor: Actor, token: String, ended: CancellationToken) {
    tokio::select! {
        () = state.stop.cancelled() => {}
        () = ended.cancelled() => {}
        () = session_over(&state.control, &actor, &token) => {}
    }
}

/// Waits until the session is over or is another person's rights. A database that does not answer
/// ends nothing.
async fn session_over(control: &Control, actor: &Actor, token: &str) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match sessions::actor(control, token).await {
            Ok(Some(now)) if now == *actor => {}
            Ok(_) => return,
            Err(error) => tracing::debug!(%error, "the session could not be looked at"),
        }
    }
}

/// The streams that are open.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Stream>,
}

struct Stream {
    user: UserId,
    token: String,
    ended: CancellationToken,
}

/// One open stream; dropping it makes room.
pub struct Open {
    streams: Streams,
    id: u64,
    ended: CancellationToken,
}

impl Streams {
    /// Room for one more stream of `user`, if there is any.
    fn open(&self, user: UserId, token: &str) -> Option<Open> {
        let mut table = self.table();
        if table
            .open
            .values()
            .filter(|stream| stream.user == user)
            .count()
            >= PER_PERSON
        {
            return None;
        }
        let (id, ended) = (table.next, CancellationToken::new());
        table.next += 1;
        let stream = Stream {
            user,
            token: token.to_owned(),
            ended: ended.clone(),
        };
        table.open.insert(id, stream);
        Some(Open {
            streams: self.clone(),
            id,
            ended,
        })
    }

    /// Ends the streams of a session.
    pub fn end(&self, token: &str) {
        for stream in self
            .table()
            .open
            .values()
            .filter(|stream| stream.token == token)
        {
            stream.ended.cancel();
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.streams.table().open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_so_many_streams_and_gets_room_back() {
        let streams = Streams::default();
        let mut open: Vec<_> = (0..PER_PERSON)
            .map(|_| streams.open(UserId(1), "a").unwrap())
            .collect();
        assert!(streams.open(UserId(1), "b").is_none());
        assert!(
            streams.open(UserId(2), "c").is_some(),
            "another person has their own"
        );
        open.pop();
        assert!(streams.open(UserId(1), "b").is_some());
    }

    #[test]
    fn ending_a_session_ends_its_streams_alone() {
        let streams = Streams::default();
        let (mine, other) = (
            streams.open(UserId(1), "a").unwrap(),
            streams.open(UserId(1), "b").unwrap(),
        );
        streams.end("a");
        assert!(mine.ended.is_cancelled());
        assert!(!other.ended.is_cancelled());
    }
}
