//! Server-sent events with change notifications for browsers: which object changed, never its
//! content. A stream ends with the session, when the user's role changes, and when the process
//! stops.

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
use control::{Actor, Control, EventPosition, sessions};
use futures::{StreamExt as _, future, stream};
use model::UserId;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::{router::AppState, session::Token};

/// Interval of keep-alive comments for proxies, and of the session check.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Reconnect delay of browsers.
const RETRY: Duration = Duration::from_secs(2);
/// Maximum number of streams per user; browsers share one stream among their tabs.
const MAX_STREAMS_PER_USER: usize = 32;

/// The query of an event stream.
#[derive(Deserialize)]
pub struct EventsQuery {
    /// The last event ID of the client; without it, the stream begins with the next change.
    after: Option<String>,
}

/// The event stream of a signed-in user.
pub async fn events(
    State(state): State<AppState>,
    Extension(actor): Extension<Option<Actor>>,
    Extension(Token(token)): Extension<Token>,
    Query(EventsQuery { after }): Query<EventsQuery>,
) -> Response {
    let (Some(actor), Some(token)) = (actor, token) else {
        return (StatusCode::UNAUTHORIZED, "Sign in to receive events.\n").into_response();
    };
    let Some(slot) = actor.me().and_then(|me| state.streams.open(me.id, &token)) else {
        let retry = [(header::RETRY_AFTER, "15")];
        let message = "Too many open pages receive events. Close some of them.\n";
        return (StatusCode::TOO_MANY_REQUESTS, retry, message).into_response();
    };
    // An unparsable ID is of another program version: treat all later changes as unknown.
    let after = after.map(|text| text.parse().unwrap_or(EventPosition::UNKNOWN));
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
        .data(state.control.event_position().to_string());
    let ended = wait_until_ended(state, actor, token, slot.ended.clone());
    let events = stream::once(future::ready(Ok(hello)))
        .chain(changes)
        .take_until(Box::pin(ended))
        .inspect(move |_| {
            // Keeps the slot for the lifetime of the stream.
            let _ = &slot;
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
async fn wait_until_ended(state: AppState, actor: Actor, token: String, ended: CancellationToken) {
    tokio::select! {
        () = state.stop.cancelled() => {}
        () = ended.cancelled() => {}
        () = wait_for_session_end(&state.control, &actor, &token) => {}
    }
}

/// Waits until the session has ended or its actor has changed. A database error does not end the
/// stream.
async fn wait_for_session_end(control: &Control, actor: &Actor, token: &str) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match sessions::actor(control, token).await {
            Ok(Some(current)) if current == *actor => {}
            Ok(_) => return,
            Err(error) => tracing::debug!(%error, "session check failed"),
        }
    }
}

/// The open event streams.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<StreamTable>>);

#[derive(Default)]
struct StreamTable {
    next: u64,
    open: HashMap<u64, Stream>,
}

struct Stream {
    user: UserId,
    token: String,
    ended: CancellationToken,
}

/// The slot of an open stream; dropping it frees the slot.
pub struct StreamSlot {
    streams: Streams,
    id: u64,
    ended: CancellationToken,
}

impl Streams {
    /// Opens a stream for `user`; `None` if the user has too many.
    fn open(&self, user: UserId, token: &str) -> Option<StreamSlot> {
        let mut table = self.table();
        if table
            .open
            .values()
            .filter(|stream| stream.user == user)
            .count()
            >= MAX_STREAMS_PER_USER
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
        Some(StreamSlot {
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

    fn table(&self) -> MutexGuard<'_, StreamTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        self.streams.table().open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_per_user_are_limited_until_one_closes() {
        let streams = Streams::default();
        let mut open: Vec<_> = (0..MAX_STREAMS_PER_USER)
            .map(|_| streams.open(UserId(1), "a").unwrap())
            .collect();
        assert!(streams.open(UserId(1), "b").is_none());
        assert!(
            streams.open(UserId(2), "c").is_some(),
            "other users have their own limit"
        );
        open.pop();
        assert!(streams.open(UserId(1), "b").is_some());
    }

    #[test]
    fn ending_a_session_ends_only_its_streams() {
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
