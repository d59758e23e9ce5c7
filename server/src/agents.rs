//! The HTTP API for agents of edge hosts. Agents authenticate with keys of their own; session
//! cookies are not accepted here, and agent keys are accepted nowhere else.

use std::sync::Arc;

use agent_protocol::{
    CertificatesRequest, JoinRequest, JoinResponse, LeasesReport, LiveFilesUpdate, PollRequest,
    Report, endpoints,
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequestParts, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::post,
};
use control::hosts::{self, Agent};
use edge::Layout;
use model::Error;
use serde_json::json;
use tower_http::limit::RequestBodyLimitLayer;

use crate::{listener::ConnectionSlot, state::AppState};

/// Maximum request size for file reports in bytes: a file of the maximum size, whose characters may
/// take two bytes each as JSON, and as much again for smaller files.
pub(crate) const MAX_FILE_REPORT: usize = 4 * endpoints::MAX_FILE_SIZE;

/// The routes. `body_limit` is the maximum size of most requests in bytes.
#[expect(clippy::disallowed_methods, reason = "a route table")]
pub fn routes(body_limit: usize) -> Router<AppState> {
    // The body is read after authentication.
    let large_reports = Router::new()
        .route(endpoints::FILES, post(files))
        .route(endpoints::LEASES, post(leases))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(MAX_FILE_REPORT));
    Router::new()
        .route(endpoints::JOIN, post(join))
        .route(endpoints::POLL, post(poll))
        .route(endpoints::REPORT, post(report))
        .route(endpoints::CERTIFICATES, post(certificates))
        .layer(RequestBodyLimitLayer::new(body_limit))
        .merge(large_reports)
}

/// An error response for agents: the status, and a message for the agent's log.
struct ApiError(Error);

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.http_status());
        let body = Json(json!({ "error": self.0.to_string() }));
        (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body).into_response()
    }
}

/// The authenticated agent of a request.
struct AuthenticatedAgent(Agent);

impl FromRequestParts<AppState> for AuthenticatedAgent {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let key = token.ok_or(Error::WrongCredentials)?;
        let agent = hosts::authenticate(&state.control, key).await?;
        if let Some(connection) = parts.extensions.get::<Arc<ConnectionSlot>>() {
            connection.mark_agent();
        }
        Ok(Self(agent))
    }
}

/// The layout in a request. Every host is an edge host so far.
fn require_layout(layout: Option<Layout>) -> Result<Layout, Error> {
    let message = "Send the layout of the edge host.";
    layout.ok_or_else(|| Error::invalid_field("layout", message))
}

async fn join(
    State(state): State<AppState>,
    Json(request): Json<JoinRequest>,
) -> Result<Json<JoinResponse>, ApiError> {
    let JoinRequest { token, description } = request;
    let layout = require_layout(description.layout)?;
    let key = hosts::join(&state.control, &token, description.host, &layout).await?;
    Ok(Json(JoinResponse { key }))
}

/// A long poll: waits for a new configuration, and ends when the process stops.
async fn poll(
    State(state): State<AppState>,
    AuthenticatedAgent(agent): AuthenticatedAgent,
    Json(request): Json<PollRequest>,
) -> Result<Response, ApiError> {
    let PollRequest {
        description,
        generation,
    } = request;
    let layout = require_layout(description.layout)?;
    let next = hosts::poll(
        &state.control,
        &agent,
        description.host,
        &layout,
        generation,
    );
    let response = tokio::select! {
        response = next => response?,
        () = state.stop.cancelled() => None,
    };
    Ok(match response {
        Some(response) => Json(response).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn report(
    State(state): State<AppState>,
    AuthenticatedAgent(agent): AuthenticatedAgent,
    Json(body): Json<Report>,
) -> Result<StatusCode, ApiError> {
    hosts::report(&state.control, &agent, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn files(
    State(state): State<AppState>,
    AuthenticatedAgent(agent): AuthenticatedAgent,
    Json(body): Json<LiveFilesUpdate>,
) -> Result<StatusCode, ApiError> {
    hosts::report_files(&state.control, &agent, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn leases(
    State(state): State<AppState>,
    AuthenticatedAgent(agent): AuthenticatedAgent,
    Json(LeasesReport { leases }): Json<LeasesReport>,
) -> Result<StatusCode, ApiError> {
    control::dhcp_leases::report(&state.control, &agent, leases).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The response contains private keys, so it must not be cached.
async fn certificates(
    State(state): State<AppState>,
    AuthenticatedAgent(agent): AuthenticatedAgent,
    Json(request): Json<CertificatesRequest>,
) -> Result<Response, ApiError> {
    let certificates = hosts::fetch_certificates(&state.control, &agent, request).await?;
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((no_store, Json(certificates)).into_response())
}
