//! The headers that tell a browser what a page may do, on every answer. Pages bring their own
//! content security policy with a nonce ([`page_policy`]); everything else gets one that allows
//! nothing.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::router::AppState;

/// What an answer that is no page may load: nothing. It may listen to us, because the script of the
/// shared event stream is a worker, and a worker is held to the policy of its own file.
const NO_PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Headers of every answer.
const ALWAYS: [(HeaderName, HeaderValue); 2] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Headers of what a browser may show or run by itself.
const DOCUMENT: [(HeaderName, HeaderValue); 3] = [
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Marks an answer that no browser shows or runs by itself: headers for documents mean nothing
/// there, and each part of the program would bring them.
#[derive(Clone, Copy, Debug)]
pub struct NoDocument;

/// Two years, as browsers' preload lists ask for.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// The policy of a page whose inline scripts carry `nonce`.
///
/// # Errors
/// When the nonce is no text that a header may hold.
pub fn page_policy(nonce: &str) -> Result<HeaderValue, axum::http::header::InvalidHeaderValue> {
    HeaderValue::try_from(format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    ))
}

/// Adds the headers to the answer.
pub async fn secure(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let document = response.extensions().get::<NoDocument>().is_none();
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    if document {
        for (name, value) in DOCUMENT {
            headers.entry(name).or_insert(value);
        }
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(NO_PAGE);
    }
    if state.public.url.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
