//! Rejects cross-site state changes (CSRF), in addition to `SameSite=Lax` cookies: browsers send
//! the origin of a request in `Sec-Fetch-Site` or `Origin`.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::state::AppState;

/// Rejects requests of other sites that could change state.
pub async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if is_same_site(request.method(), request.headers(), &state.public.origin) {
        return next.run(request).await;
    }
    tracing::warn!(
        path = request.uri().path(),
        origin = ?request.headers().get(header::ORIGIN),
        fetch_site = ?request.headers().get("sec-fetch-site"),
        "cross-site request refused"
    );
    let message = format!(
        "This request came from another site. Open {} and try again.\n",
        state.public.origin
    );
    (StatusCode::FORBIDDEN, message).into_response()
}

fn is_same_site(method: &Method, headers: &HeaderMap, origin: &str) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return true;
    }
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    if let Some(value) = headers.get(header::ORIGIN) {
        return value.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
    }
    // No browser: without a cookie the request has no session to abuse.
    !headers.contains_key(header::COOKIE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "https://cloud.example.org";

    fn post(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()))
            .collect();
        is_same_site(&Method::POST, &headers, HOME)
    }

    #[test]
    fn sec_fetch_site_takes_precedence_over_origin() {
        assert!(post(&[("sec-fetch-site", "same-origin")]));
        assert!(post(&[("sec-fetch-site", "none")]));
        assert!(!post(&[("sec-fetch-site", "same-site")]));
        assert!(!post(&[("sec-fetch-site", "cross-site"), ("origin", HOME)]));
        assert!(!post(&[("sec-fetch-site", "")]));
    }

    #[test]
    fn origin_is_checked_without_sec_fetch_site() {
        assert!(post(&[("origin", HOME), ("cookie", "a=b")]));
        assert!(!post(&[("origin", "https://cloud.example.org:8443")]));
        assert!(!post(&[("origin", "http://cloud.example.org")]));
        assert!(!post(&[(
            "origin",
            "https://cloud.example.org.evil.example"
        )]));
        assert!(!post(&[("origin", "null")]));
    }

    #[test]
    fn cookie_without_both_headers_is_refused() {
        assert!(!post(&[("cookie", "holdfast_session=x")]));
        assert!(post(&[]));
    }

    #[test]
    fn safe_methods_are_allowed() {
        let headers =
            HeaderMap::from_iter([(header::ORIGIN, "https://evil.example".parse().unwrap())]);
        assert!(is_same_site(&Method::GET, &headers, HOME));
        assert!(is_same_site(&Method::HEAD, &headers, HOME));
        assert!(!is_same_site(&Method::DELETE, &headers, HOME));
    }
}
