//! The way in for edge hosts' agents. They are programs with keys of their own: no cookie of a
//! person counts here, and no key of theirs anywhere else.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequestParts, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::post,
};
use control::agents::{self, Agent};
use edge::link::{self, Asking, Given, Joined, Joining, Leases, Live, Pairs, Wanted};
use model::{Error, agents::Report};
use serde_json::json;
use tower_http::limit::RequestBodyLimitLayer;

use crate::router::{AppState, BODY_LIMIT};

/// The most that one telling of live files may bring, in bytes: a file of the largest size, each
/// sign of which may take two as JSON, and as much again of smaller ones.
const LARGEST: usize = 4 * link::LARGEST_FILE;

/// The routes.
pub fn routes() -> Router<AppState> {
    // What it brings is read only after the key was shown.
    let telling = Router::new()
        .route(link::LIVE, post(live))
        .route(link::LEASES, post(leases))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(LARGEST));
    Router::new()
        .route(link::JOIN, post(join))
        .route(link::NEXT, post(next))
        .route(link::REPORT, post(report))
        .route(link::CERTIFICATES, post(certificates))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .merge(telling)
}

/// An error as an agent reads it: the status, and a sentence for its log.
struct Refused(Error);

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(app::http_status(&self.0));
        let body = Json(json!({ "error": self.0.to_string() }));
        (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body).into_response()
    }
}

/// The agent whose key the request shows.
struct Known(Agent);

impl FromRequestParts<AppState> for Known {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Refused> {
        let shown = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let key = shown.ok_or(Error::WrongCredentials)?;
        Ok(Self(agents::of_key(&state.control, key).await?))
    }
}

async fn join(
    State(state): State<AppState>,
    Json(joining): Json<Joining>,
) -> Result<Json<Joined>, Refused> {
    let Joining {
        word,
        about,
        layout,
    } = joining;
    let key = agents::join(&state.control, &word, about, &layout).await?;
    Ok(Json(Joined { key }))
}

/// Held open while there is nothing new, and let go when the process stops.
async fn next(
    State(state): State<AppState>,
    Known(agent): Known,
    Json(asking): Json<Asking>,
) -> Result<Response, Refused> {
    let Asking { about, layout, has } = asking;
    let given = agents::next(&state.control, &agent, about, &layout, has);
    let given: Option<Given> = tokio::select! {
        given = given => given?,
        () = state.stop.cancelled() => None,
    };
    Ok(match given {
        Some(given) => Json(given).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn report(
    State(state): State<AppState>,
    Known(agent): Known,
    Json(said): Json<Report>,
) -> Result<StatusCode, Refused> {
    agents::report(&state.control, &agent, said).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn live(
    State(state): State<AppState>,
    Known(agent): Known,
    Json(told): Json<Live>,
) -> Result<StatusCode, Refused> {
    agents::live(&state.control, &agent, told).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn leases(
    State(state): State<AppState>,
    Known(agent): Known,
    Json(Leases { leases }): Json<Leases>,
) -> Result<StatusCode, Refused> {
    control::leases::tell(&state.control, &agent, leases).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keys are among it: nobody on the way keeps the answer.
async fn certificates(
    State(state): State<AppState>,
    Known(agent): Known,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Refused> {
    let pairs: Pairs = agents::certificates(&state.control, &agent, wanted).await?;
    let unkept = [(header::CACHE_CONTROL, "no-store")];
    Ok((unkept, Json(pairs)).into_response())
}
