//! Server-sent events with change notifications for browsers: which object changed, never its
//! content. A stream ends with the session, when the user's role changes, and when the process
//! stops.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderName, StatusCode, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use control::{
    Actor, Control, EventPosition,
    sessions::{self, ClientInfo},
};
use futures::{StreamExt as _, future, stream};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

/// Interval of keep-alive comments for proxies, and of the session check.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Reconnect delay of browsers.
const RETRY: Duration = Duration::from_secs(2);

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
    Extension(client): Extension<ClientInfo>,
    Query(EventsQuery { after }): Query<EventsQuery>,
) -> Response {
    let (Some(actor), Some(token)) = (actor, client.session_token) else {
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
        .filter_map(|(position, change)| {
            future::ready(
                Event::default()
                    .id(position.to_string())
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
        match sessions::get_actor(control, token).await {
            Ok(Some(current)) if current == *actor => {}
            Ok(_) => return,
            Err(error) => tracing::debug!(%error, "session check failed"),
        }
    }
}
