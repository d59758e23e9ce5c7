//! The table of what is served where, and the layers around it. It wires; it decides nothing.

use std::{
    any::Any,
    sync::{Arc, LazyLock},
    time::Duration,
};

use app::{App, shell};
use axum::{
    Router,
    extract::{FromRef, Request, State},
    http::{Request as HttpRequest, StatusCode, header},
    middleware::from_fn_with_state,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use control::Control;
use ipnet::IpNet;
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::provide_context};
use leptos_axum::{
    AxumRouteListing, LeptosRoutes as _, ResponseOptions, generate_route_list_with_exclusions,
};
use tokio_util::sync::CancellationToken;
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
    agents,
    assets::{self, Assets, Site},
    client_addr::{self, Client},
    config::PublicUrl,
    csrf,
    demo::edge::{self, Edge},
    events, headers, health, host, session, sign_in,
};

/// The most that a request may bring.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;
/// The longest that an answer may take to begin; event streams are without it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub control: Control,
    /// How people reach this process.
    pub public: Arc<Public>,
    /// The site's files.
    pub site: Site,
    /// The event streams that are open.
    pub streams: events::Streams,
    /// Told when the process is about to end.
    pub stop: CancellationToken,
    leptos: LeptosOptions,
    edge: Option<Edge>,
}

/// How people reach this process.
pub struct Public {
    /// The address that they use.
    pub url: PublicUrl,
    /// The same as browsers write it in `Origin`.
    pub origin: String,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Public {
    /// Puts the parts together.
    pub fn new(url: PublicUrl, trusted_proxies: Vec<IpNet>) -> Self {
        Self {
            origin: url.origin(),
            url,
            trusted_proxies,
        }
    }
}

impl AppState {
    /// Puts the parts together.
    pub fn new(control: Control, public: Public, assets: Assets, stop: CancellationToken) -> Self {
        Self {
            control,
            public: Arc::new(public),
            site: Site::new(assets),
            streams: events::Streams::default(),
            stop,
            leptos: LeptosOptions::builder().output_name("holdfast").build(),
            edge: None,
        }
    }

    /// The same with the demonstration's edge, which answers for names under `localhost`.
    #[must_use]
    pub fn with_edge(self, edge: Option<Edge>) -> Self {
        Self { edge, ..self }
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

/// Everything that is served, with its layers.
pub fn router(state: AppState) -> Router {
    let plain = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            PATIENCE,
        ));
    let for_developers = match assets::can_change() {
        true => assets::reload::routes(),
        false => Router::new(),
    };
    let own = plain
        .merge(for_developers)
        .merge(for_people(&state))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        // Agents have limits of their own.
        .merge(for_agents())
        .layer(from_fn_with_state(state.clone(), assets::serve))
        .layer(from_fn_with_state(state.clone(), host::check))
        .layer(from_fn_with_state(state.clone(), headers::secure))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_response(DefaultOnResponse::new().level(Level::DEBUG)),
        );
    // Before all that is the manager's own: a container that does not answer is no failure of it.
    let all = match state.edge.clone() {
        Some(edge) => own.layer(from_fn_with_state(edge, edge::dispatch)),
        None => own,
    };
    all.layer(SetRequestIdLayer::x_request_id(RandomId))
        .layer(from_fn_with_state(state.clone(), client_addr::identify))
        .with_state(state)
}

/// What agents ask, and are kept waiting for while nothing changes.
fn for_agents() -> Router<AppState> {
    agents::routes()
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            PATIENCE,
        ))
}

/// The addresses of the pages, found by making the application once. While that lasts, Leptos lets
/// no page of the whole process get its data, and one that is made in that time never does
/// (leptos-rs/leptos#4773): so it is done once, before anything is served.
static PAGES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| {
    // Both have a handler of their own.
    let excluded = ["/", sign_in::LINK_PATH].map(str::to_owned);
    generate_route_list_with_exclusions(App, Some(excluded.to_vec()))
});

/// The addresses of the pages, with parameters in braces, such as `/jobs/{id}`.
pub fn page_paths() -> impl Iterator<Item = &'static str> {
    let paths = PAGES.iter().map(AxumRouteListing::path);
    // Excluded, and still in the list.
    paths.filter(|path| *path != sign_in::LINK_PATH)
}

/// Pages, server functions, signing in and the event stream: all that knows who asks.
fn for_people(state: &AppState) -> Router<AppState> {
    let site = state.site.clone();
    let context = page_context(state);
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    Router::new()
        .leptos_routes_with_context(state, PAGES.clone(), context, move || {
            shell(site.current().for_pages())
        })
        // Before anything is made of a page, so that it works for everybody.
        .route("/", get(async || Redirect::temporary("/containers")))
        .route("/sign-in", post(sign_in::sign_in))
        // HEAD has an answer of its own: it must not use the link up.
        .route(
            sign_in::LINK_PATH,
            get(sign_in::sign_in_with_link).head(async || StatusCode::METHOD_NOT_ALLOWED),
        )
        .route("/sign-out", post(sign_in::sign_out))
        .fallback(not_found)
        .layer(compression)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            PATIENCE,
        ))
        .route("/events", get(events::events))
        .layer(CatchPanicLayer::custom(fault))
        .layer(from_fn_with_state(state.clone(), session::recognise))
        .layer(from_fn_with_state(state.clone(), csrf::guard))
}

/// What components find in their context, for pages and for server functions.
pub fn page_context(state: &AppState) -> impl Fn() + Clone + Send + Sync + use<> {
    let (control, site) = (state.control.clone(), state.site.clone());
    move || {
        provide_context(app::Place(control.place().to_string()));
        provide_context(control.clone());
        provide_context(site.current().for_pages());
        let policy = use_nonce().and_then(|nonce| headers::page_policy(&nonce).ok());
        let response = leptos::prelude::use_context::<ResponseOptions>();
        if let (Some(policy), Some(response)) = (policy, response) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// Renders the application for a request, with more in its context.
pub async fn render(
    state: &AppState,
    request: Request,
    more: impl Fn() + Clone + Send + Sync + 'static,
) -> Response {
    let (context, site) = (page_context(state), state.site.clone());
    let handler = leptos_axum::render_app_async_with_context(
        move || {
            context();
            more();
        },
        move || shell(site.current().for_pages()),
    );
    handler(request).await
}

/// The application's own page for an address that leads nowhere.
async fn not_found(State(state): State<AppState>, request: Request) -> Response {
    let mut response = render(&state, request, || {}).await;
    if response.status().is_success() {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// The answer in place of one that could not be made. The panic itself is in the log before this.
fn fault(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("making an answer failed; the lines before have the cause");
    let words = "Something went wrong on our side. The log has the cause.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
}

/// A request's id in the log and in the answer.
#[derive(Clone, Copy)]
struct RandomId;

impl MakeRequestId for RandomId {
    fn make_request_id<B>(&mut self, _: &HttpRequest<B>) -> Option<RequestId> {
        let id = format!("{:016x}", rand::random::<u64>());
        id.parse().ok().map(RequestId::new)
    }
}

/// The frame of a request's log lines. Without the query: it may hold what is nobody's business.
fn span<B>(request: &HttpRequest<B>) -> Span {
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
