//! The HTTP API for agents of edge hosts. Agents authenticate with keys of their own; session
//! cookies are not accepted here, and agent keys are accepted nowhere else.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequestParts, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::post,
};
use control::hosts::{self, Agent};
use edge::link::{self, Asking, Given, Joined, Joining, Leases, Live, Pairs, Wanted};
use model::{Error, hosts::Report};
use serde_json::json;
use tower_http::limit::RequestBodyLimitLayer;

use crate::router::{AppState, BODY_LIMIT};

/// Maximum request size for file reports in bytes: a file of the maximum size, whose characters may
/// take two bytes each as JSON, and as much again for smaller files.
const MAX_FILE_REPORT: usize = 4 * link::LARGEST_FILE;

/// The routes.
pub fn routes() -> Router<AppState> {
    // The body is read after authentication.
    let large_reports = Router::new()
        .route(link::LIVE, post(live))
        .route(link::LEASES, post(leases))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(MAX_FILE_REPORT));
    Router::new()
        .route(link::JOIN, post(join))
        .route(link::NEXT, post(next))
        .route(link::REPORT, post(report))
        .route(link::CERTIFICATES, post(certificates))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
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
        let status = StatusCode::from_u16(app::http_status(&self.0));
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
        Ok(Self(hosts::authenticate(&state.control, key).await?))
    }
}

async fn join(
    State(state): State<AppState>,
    Json(request): Json<Joining>,
) -> Result<Json<Joined>, ApiError> {
    let Joining {
        word,
        about,
        layout,
    } = request;
    let key = hosts::join(&state.control, &word, about, &layout).await?;
    Ok(Json(Joined { key }))
}

/// A long poll: waits for a new configuration, and ends when the process stops.
async fn next(
    State(state): State<AppState>,
    AuthenticatedAgent(agent): AuthenticatedAgent,
    Json(request): Json<Asking>,
) -> Result<Response, ApiError> {
    let Asking { about, layout, has } = request;
    let next = hosts::poll(&state.control, &agent, about, &layout, has);
    let response: Option<Given> = tokio::select! {
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

async fn live(
    State(state): State<AppState>,
    AuthenticatedAgent(agent): AuthenticatedAgent,
    Json(body): Json<Live>,
) -> Result<StatusCode, ApiError> {
    hosts::report_files(&state.control, &agent, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn leases(
    State(state): State<AppState>,
    AuthenticatedAgent(agent): AuthenticatedAgent,
    Json(Leases { leases }): Json<Leases>,
) -> Result<StatusCode, ApiError> {
    control::leases::report(&state.control, &agent, leases).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The response contains private keys, so it must not be cached.
async fn certificates(
    State(state): State<AppState>,
    AuthenticatedAgent(agent): AuthenticatedAgent,
    Json(request): Json<Wanted>,
) -> Result<Response, ApiError> {
    let pairs: Pairs = hosts::fetch_certificates(&state.control, &agent, request).await?;
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((no_store, Json(pairs)).into_response())
}
