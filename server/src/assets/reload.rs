//! Live reload in development builds: SIGHUP reloads the site from its folder, and open pages
//! reload themselves.

use std::{convert::Infallible, io, time::Duration};

use axum::{
    Router,
    extract::State,
    http::header,
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use futures::{StreamExt as _, stream};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::router::AppState;

/// The path of the script that pages load.
pub const SCRIPT: &str = "/dev/reload.js";
/// Reconnect delay of browsers after the server has ended.
const RETRY: Duration = Duration::from_millis(200);

/// The script and its event stream.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route(SCRIPT, get(script))
        .route("/dev/reload", get(events))
}

async fn script() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (headers, include_str!("reload.js"))
}

async fn events(State(state): State<AppState>) -> impl IntoResponse {
    let started = Event::default()
        .retry(RETRY)
        .event("started")
        .data(build_id(&state));
    let rebuilt = stream::unfold(state.site.subscribe(), async |mut site| {
        site.changed().await.ok()?;
        // Browsers ignore an event without data.
        Some((Event::default().event("rebuilt").data("site"), site))
    });
    let events = stream::once(async { started })
        .chain(rebuilt)
        .map(Ok::<_, Infallible>)
        .take_until(async move { state.stop.cancelled().await });
    Sse::new(Box::pin(events)).keep_alive(KeepAlive::new())
}

/// Identifies process and site; a page that was hidden for a while compares it.
fn build_id(state: &AppState) -> String {
    let site = state.site.current().page_urls();
    format!("{} {} {}", std::process::id(), site.css, site.js)
}

/// Installs the SIGHUP handler; SIGHUP ends the process otherwise.
///
/// # Errors
/// When the handler cannot be installed.
pub fn listen() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reloads the site on each SIGHUP, until the server stops.
pub async fn reload_on_signal(state: AppState, mut hangup: Signal) {
    loop {
        tokio::select! {
            () = state.stop.cancelled() => return,
            _ = hangup.recv() => {}
        }
        match tokio::task::block_in_place(super::Assets::load) {
            Ok(assets) => state.site.replace(assets),
            Err(error) => tracing::warn!(%error, "site reload failed"),
        }
    }
}
