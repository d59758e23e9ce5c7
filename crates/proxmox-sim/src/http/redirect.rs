//! The response of a node's TLS port to plain HTTP requests: a redirect to HTTPS.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, HOST, LOCATION};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;

/// The service for a connection without TLS. `address` is used if the request has no `Host` header.
pub(crate) fn service(address: String) -> Router {
    Router::new().fallback(move |request: Request| async move { redirect(&request, &address) })
}

/// Returns 301 for GET and HEAD, 308 for methods that must not change.
fn redirect(request: &Request, address: &str) -> Response {
    let host_header = request.headers().get(HOST);
    let host = host_header
        .and_then(|host| host.to_str().ok())
        .unwrap_or(address);
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = if is_safe {
        StatusCode::MOVED_PERMANENTLY
    } else {
        StatusCode::PERMANENT_REDIRECT
    };
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if let Ok(target) = HeaderValue::try_from(format!("https://{host}{}", request.uri())) {
        headers.insert(LOCATION, target);
    }
    response
}
