//! Security headers of every response. Pages set a content security policy with a nonce
//! ([`page_policy`]); every other response gets one that allows nothing.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::config::PublicUrl;

/// The policy of responses that are no pages. `connect-src` is allowed because the script of the
/// shared event stream is a worker, and a worker is subject to the policy of the worker's file.
const DEFAULT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Headers of every response.
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

/// Headers of responses that a browser can display or execute as a document.
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

/// Marks a response that no browser displays or executes as a document, so that the document
/// headers are omitted for each part of the WebAssembly program.
#[derive(Clone, Copy, Debug)]
pub struct NoDocument;

/// Two years, as required by browsers' preload lists.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// The content security policy of a page whose inline scripts carry `nonce`.
///
/// # Errors
/// When the nonce is no valid header value.
pub fn page_policy(nonce: &str) -> Result<HeaderValue, axum::http::header::InvalidHeaderValue> {
    HeaderValue::try_from(format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    ))
}

/// Adds the headers to the response.
pub async fn secure(State(url): State<PublicUrl>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_document = response.extensions().get::<NoDocument>().is_none();
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    if is_document {
        for (name, value) in DOCUMENT {
            headers.entry(name).or_insert(value);
        }
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(DEFAULT_POLICY);
    }
    if url.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
