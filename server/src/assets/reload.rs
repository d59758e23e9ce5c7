//! Live reload in development builds: SIGHUP reloads the site from its directory, and open pages
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
use tokio_util::sync::CancellationToken;

use super::Site;

/// The path of the script that pages load.
pub const SCRIPT: &str = "/dev/reload.js";
/// Reconnect delay of browsers after the server has ended.
const RETRY: Duration = Duration::from_millis(200);

/// The script and its event stream, which ends with `stop`.
#[expect(clippy::disallowed_methods, reason = "a route table")]
pub fn routes<S>(site: Site, stop: CancellationToken) -> Router<S> {
    Router::new()
        .route(SCRIPT, get(script))
        .route("/dev/reload", get(events))
        .with_state(ReloadState { site, stop })
}

#[derive(Clone)]
struct ReloadState {
    site: Site,
    stop: CancellationToken,
}

async fn script() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (headers, include_str!("reload.js"))
}

async fn events(State(ReloadState { site, stop }): State<ReloadState>) -> impl IntoResponse {
    let started = Event::default()
        .retry(RETRY)
        .event("started")
        .data(build_id(&site));
    let rebuilt = stream::unfold(site.subscribe(), async |mut site| {
        site.changed().await.ok()?;
        // Browsers ignore an event without data.
        Some((Event::default().event("rebuilt").data("site"), site))
    });
    let events = stream::once(async { started })
        .chain(rebuilt)
        .map(Ok::<_, Infallible>)
        .take_until(async move { stop.cancelled().await });
    Sse::new(Box::pin(events)).keep_alive(KeepAlive::new())
}

/// Identifies process and site; a page that was hidden for a while compares it.
fn build_id(site: &Site) -> String {
    let urls = site.current().page_urls();
    format!("{} {} {}", std::process::id(), urls.css, urls.js)
}

/// Installs the SIGHUP handler; SIGHUP ends the process otherwise.
///
/// # Errors
/// When the handler cannot be installed.
pub fn listen() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reloads the site on each SIGHUP, until the server stops.
pub async fn reload_on_signal(site: Site, stop: CancellationToken, mut hangup: Signal) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = hangup.recv() => {}
        }
        match tokio::task::block_in_place(super::Assets::load) {
            Ok(assets) => site.replace(assets),
            Err(error) => tracing::warn!(%error, "site reload failed"),
        }
    }
}
