//! Live reload in development builds: SIGHUP reloads the web assets from their directory, and open
//! pages reload themselves.

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
use tokio_util::sync::CancellationToken;

use super::WebAssets;

/// The path of the script that pages load.
pub const SCRIPT: &str = "/dev/reload.js";
/// Reconnect delay of browsers after the server has ended.
const RETRY: Duration = Duration::from_millis(200);

/// The script and its event stream, which ends with `stop`.
#[expect(clippy::disallowed_methods, reason = "a route table")]
pub fn routes<S>(web_assets: WebAssets, stop: CancellationToken) -> Router<S> {
    Router::new()
        .route(SCRIPT, get(script))
        .route("/dev/reload", get(events))
        .with_state(ReloadState { web_assets, stop })
}

#[derive(Clone)]
struct ReloadState {
    web_assets: WebAssets,
    stop: CancellationToken,
}

async fn script() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (headers, include_str!("reload.js"))
}

async fn events(State(ReloadState { web_assets, stop }): State<ReloadState>) -> impl IntoResponse {
    let started = Event::default()
        .retry(RETRY)
        .event("started")
        .data(build_id(&web_assets));
    let rebuilt = stream::unfold(web_assets.subscribe(), async |mut web_assets| {
        web_assets.changed().await.ok()?;
        // Browsers ignore an event without data.
        Some((Event::default().event("rebuilt").data("assets"), web_assets))
    });
    let events = stream::once(async { started })
        .chain(rebuilt)
        .map(Ok::<_, Infallible>)
        .take_until(async move { stop.cancelled().await });
    Sse::new(Box::pin(events)).keep_alive(KeepAlive::new())
}

/// Identifies process and web assets; a page that was hidden for a while compares it.
fn build_id(web_assets: &WebAssets) -> String {
    let urls = web_assets.current().page_urls();
    format!("{} {} {}", std::process::id(), urls.css, urls.js)
}

/// Installs the SIGHUP handler; SIGHUP ends the process otherwise.
///
/// # Errors
/// When the handler cannot be installed.
pub fn listen() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reloads the web assets on each SIGHUP, until the server stops.
pub async fn reload_on_signal(web_assets: WebAssets, stop: CancellationToken, mut hangup: Signal) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = hangup.recv() => {}
        }
        match tokio::task::block_in_place(super::Assets::load) {
            Ok(assets) => web_assets.replace(assets),
            Err(error) => tracing::warn!(%error, "web assets reload failed"),
        }
    }
}
