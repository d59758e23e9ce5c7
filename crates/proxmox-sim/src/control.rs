//! The control API on a separate loopback listener: faults, conditions and out-of-band changes as
//! JSON, for clients that cannot call [`Handle`]. It offers nothing beyond [`Handle`], and it must
//! never be reachable through the listener of the API.
//!
//! Write requests must have `Content-Type: application/json`. A browser sends that to another
//! origin only after a CORS preflight request, which this listener does not answer.

mod changes;
mod conditions;
mod interfaces;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::faults::Fault;
use crate::handle::Handle;
use crate::http::server::NoDelayListener;

/// Maximum size of a request body, in bytes.
const BODY_LIMIT: usize = 64 * 1024;
/// Timeout of a long poll for changes.
const POLL_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum number of pending faults.
const MAX_FAULTS: usize = 1_000;

type Shared = State<Arc<Handle>>;

/// Why a request failed.
enum ControlError {
    /// The request is invalid.
    Invalid(String),
    /// The node, container or path does not exist.
    NotFound(String),
    /// The request conflicts with the current state.
    Conflict(String),
    /// The simulator failed.
    Failed(String),
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::Invalid(message) => (StatusCode::BAD_REQUEST, message),
            Self::NotFound(message) => (StatusCode::NOT_FOUND, message),
            Self::Conflict(message) => (StatusCode::CONFLICT, message),
            Self::Failed(message) => (StatusCode::INTERNAL_SERVER_ERROR, message),
        };
        (status, Json(json!({ "error": message }))).into_response()
    }
}

type Outcome<T> = Result<T, ControlError>;

/// The routes of the control API.
#[expect(clippy::disallowed_methods, reason = "a route table")]
fn routes() -> Router<Arc<Handle>> {
    Router::new()
        .route(
            "/faults",
            get(list_faults).post(inject).delete(clear_faults),
        )
        .route(
            "/conditions",
            get(conditions::show).post(conditions::change),
        )
        .route("/changes", post(changes::change))
        .route("/containers", get(containers))
        .route("/interfaces", post(interfaces::report))
        .fallback(async || ControlError::NotFound("no such path".into()))
}

/// Serves requests until the simulator stops.
pub(crate) async fn serve(listener: NoDelayListener, handle: Arc<Handle>, stop: CancellationToken) {
    let app = routes()
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(handle);
    let served = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
    // Does not wait for open connections at shutdown.
    tokio::select! {
        () = stop.cancelled() => {}
        outcome = served => if let Err(error) = outcome {
            tracing::error!(%error, "control listener failed");
        },
    }
}

/// Parses a JSON body. Unknown fields are errors.
fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Outcome<T> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if kind != Some("application/json") {
        let message = "the header 'Content-Type: application/json' is missing";
        return Err(ControlError::Invalid(message.into()));
    }
    serde_json::from_slice(body).map_err(|error| ControlError::Invalid(error.to_string()))
}

async fn inject(
    State(handle): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome<(StatusCode, Json<Value>)> {
    let fault = read::<wire::Fault>(&headers, &body)?;
    let fault = Fault::try_from(fault).map_err(ControlError::Invalid)?;
    if handle.pending_fault_count() >= MAX_FAULTS {
        let message = format!("there are {MAX_FAULTS} pending faults already");
        return Err(ControlError::Conflict(message));
    }
    handle.inject(fault);
    let pending = json!({ "pending": handle.pending_fault_count() });
    Ok((StatusCode::CREATED, Json(pending)))
}

async fn list_faults(State(handle): Shared) -> Json<Value> {
    let all: Vec<wire::Fault> = handle
        .pending_faults()
        .into_iter()
        .map(wire::Fault::from)
        .collect();
    Json(json!({ "faults": all }))
}

async fn clear_faults(State(handle): Shared) -> Json<Value> {
    let cleared = handle.pending_fault_count();
    handle.clear_faults();
    Json(json!({ "cleared": cleared }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContainersQuery {
    after: Option<u64>,
}

/// All containers. With `after`, the response is delayed until the version differs or the long poll
/// times out.
async fn containers(
    State(handle): Shared,
    query: Result<Query<ContainersQuery>, QueryRejection>,
) -> Outcome<Json<Value>> {
    let Query(query) = query.map_err(|error| ControlError::Invalid(error.body_text()))?;
    if let Some(version) = query.after {
        // The current state is returned in both cases.
        let _ = tokio::time::timeout(POLL_TIMEOUT, handle.wait_for_change(version)).await;
    }
    // Read before the containers, so that a concurrent change is reported again.
    let version = handle.version();
    let all: Vec<Value> = handle.containers().iter().map(wire::container).collect();
    Ok(Json(json!({ "version": version, "containers": all })))
}
