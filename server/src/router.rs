//! All routes and middleware layers. Contains no other logic.

use std::{any::Any, sync::LazyLock, time::Duration};

use app::{App, shell};
use axum::{
    Router,
    extract::{Request, State},
    http::{Request as HttpRequest, StatusCode},
    middleware::from_fn_with_state,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use leptos_axum::{AxumRouteListing, LeptosRoutes as _, generate_route_list_with_exclusions};
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    timeout::TimeoutLayer,
    trace::{DefaultOnResponse, TraceLayer},
};
use tracing::{Level, Span};

use crate::{
    agents, assets,
    client_addr::{self, Client},
    csrf,
    demo::edge::{self, Edge},
    events, headers, health, host_header,
    render::{page_context, render},
    session, sign_in,
    state::AppState,
};

/// Maximum size of a request body in bytes, except for file reports of agents.
const BODY_LIMIT: usize = 256 * 1024;
/// Timeout until a response begins; event streams have none.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The router with all routes and layers. The demo edge, if any, serves names under `localhost`.
pub fn router(state: AppState, edge: Option<Edge>) -> Router {
    let dev = match assets::is_reloadable() {
        true => assets::reload::routes(state.web_assets.clone(), state.stop.clone()),
        false => Router::new(),
    };
    let manager = health_routes()
        .merge(dev)
        .merge(browser_routes(&state))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        // Agent routes have limits of their own.
        .merge(agent_routes())
        .layer(from_fn_with_state(state.web_assets.clone(), assets::serve))
        .layer(RequestBodyLimitLayer::new(agents::MAX_FILE_REPORT))
        .layer(from_fn_with_state(state.clone(), host_header::check))
        .layer(from_fn_with_state(
            state.public.url.clone(),
            headers::secure,
        ))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(request_span)
                .on_response(DefaultOnResponse::new().level(Level::DEBUG)),
        );
    // The demo edge comes before the manager's layers: an error of a container is no error of the
    // manager.
    let app = match edge {
        Some(edge) => manager.layer(from_fn_with_state(edge, edge::dispatch)),
        None => manager,
    };
    app.layer(SetRequestIdLayer::x_request_id(RandomId))
        .layer(from_fn_with_state(state.clone(), client_addr::identify))
        .with_state(state)
}

/// The health checks, for load balancers.
#[expect(clippy::disallowed_methods, reason = "a route table")]
fn health_routes() -> Router<AppState> {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            RESPONSE_TIMEOUT,
        ))
}

/// The agent API, which includes long polls.
fn agent_routes() -> Router<AppState> {
    agents::routes(BODY_LIMIT)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            RESPONSE_TIMEOUT,
        ))
}

/// The page routes, listed by rendering the application once. During that time Leptos gives no page
/// of the process its data, and a page created then never receives it (leptos-rs/leptos#4773); so
/// this happens once, before the server accepts requests.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| {
    // These two have handlers of their own.
    let excluded = ["/", sign_in::LINK_PATH].map(str::to_owned);
    generate_route_list_with_exclusions(App, Some(excluded.to_vec()))
});

/// The paths of the pages, with parameters in braces, such as `/jobs/{id}`.
pub fn page_paths() -> impl Iterator<Item = &'static str> {
    let paths = PAGES.iter().map(AxumRouteListing::path);
    // The list still contains excluded paths.
    paths.filter(|path| *path != sign_in::LINK_PATH)
}

/// Pages, server functions, sign-in and the event stream: all routes with a session.
#[expect(clippy::disallowed_methods, reason = "a route table")]
fn browser_routes(state: &AppState) -> Router<AppState> {
    let web_assets = state.web_assets.clone();
    let context = page_context(state);
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    Router::new()
        .leptos_routes_with_context(state, PAGES.clone(), context, move || {
            shell(web_assets.current().page_urls())
        })
        // Registered before the pages, so that the redirect works without a session.
        .route("/", get(async || Redirect::temporary("/containers")))
        .route("/sign-in", post(sign_in::sign_in))
        // HEAD gets its own response, because it must not use the link up.
        .route(
            sign_in::LINK_PATH,
            get(sign_in::sign_in_with_link).head(async || StatusCode::METHOD_NOT_ALLOWED),
        )
        .route("/sign-out", post(sign_in::sign_out))
        .fallback(not_found)
        .layer(compression)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            RESPONSE_TIMEOUT,
        ))
        .route("/events", get(events::events))
        .layer(CatchPanicLayer::custom(panic_response))
        .layer(from_fn_with_state(state.clone(), session::authenticate))
        .layer(from_fn_with_state(state.clone(), csrf::guard))
}

/// The application's "not found" page.
async fn not_found(State(state): State<AppState>, request: Request) -> Response {
    let mut response = render(&state, request, || {}).await;
    if response.status().is_success() {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// The response after a panic. The panic hook has logged the panic before.
fn panic_response(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("request handler panicked");
    let message = "Internal error. The cause is in the server's log.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
}

/// Generates the request ID for the log and the response.
#[derive(Clone, Copy)]
struct RandomId;

impl MakeRequestId for RandomId {
    fn make_request_id<B>(&mut self, _: &HttpRequest<B>) -> Option<RequestId> {
        let id = format!("{:016x}", rand::random::<u64>());
        id.parse().ok().map(RequestId::new)
    }
}

/// The tracing span of a request. Omits the query, which may contain secrets.
fn request_span<B>(request: &HttpRequest<B>) -> Span {
    let id = request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default();
    let client = request.extensions().get::<Client>().map(|client| client.0);
    tracing::info_span!(
        "request",
        id,
        method = %request.method(),
        path = request.uri().path(),
        client = client.map(tracing::field::display),
    )
}
