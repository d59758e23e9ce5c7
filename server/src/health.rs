//! For those who watch the process: whether it lives, and whether it can serve.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use crate::router::AppState;

/// The process answers.
pub async fn healthz() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

/// The process can serve people; otherwise 503 with the part that cannot.
pub async fn readyz(State(state): State<AppState>) -> Response {
    if state.stop.is_cancelled() {
        return not_ready("process", "it is stopping");
    }
    if !state.control.works() {
        return not_ready("workers", "nobody works on jobs");
    }
    match state.control.ready().await {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(error) => not_ready("database", &error.to_string()),
    }
}

fn not_ready(part: &str, why: &str) -> Response {
    let body = json!({ "status": "not ready", "part": part, "why": why });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}
