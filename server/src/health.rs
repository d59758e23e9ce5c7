//! Health endpoints: liveness and readiness.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use crate::state::AppState;

/// Timeout of the database check; shorter than the timeouts of monitoring systems.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// Liveness: the process responds.
pub async fn healthz() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

/// Readiness: the process can serve pages; otherwise 503 with the failing part.
pub async fn readyz(State(state): State<AppState>) -> Response {
    if state.stop.is_cancelled() {
        return not_ready("process", "stopping");
    }
    if !state.control.has_workers() {
        return not_ready("workers", "no workers running");
    }
    match tokio::time::timeout(DATABASE_TIMEOUT, state.control.check_database()).await {
        Ok(Ok(())) => Json(json!({ "status": "ready" })).into_response(),
        Ok(Err(error)) => not_ready("database", &error.to_string()),
        Err(_) => not_ready("database", "timed out"),
    }
}

fn not_ready(part: &str, reason: &str) -> Response {
    let body = json!({ "status": "not ready", "part": part, "reason": reason });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}
