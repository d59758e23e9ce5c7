//! Refuses changes that another site's page asks for. Cookies are `SameSite=Lax`; this is the
//! second lock: a browser says where a request comes from, in `Sec-Fetch-Site` or in `Origin`.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::router::AppState;

/// Lets a request through unless it would change something at another site's wish.
pub async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if is_ours(request.method(), request.headers(), &state.public.origin) {
        return next.run(request).await;
    }
    tracing::warn!(
        path = request.uri().path(),
        origin = ?request.headers().get(header::ORIGIN),
        fetch_site = ?request.headers().get("sec-fetch-site"),
        "a request from another site was refused"
    );
    let words = format!(
        "This request came from another site. Open {} and try again.\n",
        state.public.origin
    );
    (StatusCode::FORBIDDEN, words).into_response()
}

fn is_ours(method: &Method, headers: &HeaderMap, origin: &str) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return true;
    }
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    if let Some(from) = headers.get(header::ORIGIN) {
        return from.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
    }
    // A program that is no browser: without a cookie it acts in nobody's name.
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
        is_ours(&Method::POST, &headers, HOME)
    }

    #[test]
    fn the_browser_s_own_word_decides() {
        assert!(post(&[("sec-fetch-site", "same-origin")]));
        assert!(post(&[("sec-fetch-site", "none")]));
        assert!(!post(&[("sec-fetch-site", "same-site")]));
        assert!(!post(&[("sec-fetch-site", "cross-site"), ("origin", HOME)]));
        assert!(!post(&[("sec-fetch-site", "")]));
    }

    #[test]
    fn without_it_the_origin_decides() {
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
    fn without_both_a_cookie_is_refused() {
        assert!(!post(&[("cookie", "holdfast_session=x")]));
        assert!(post(&[]));
    }

    #[test]
    fn reading_is_free() {
        let headers =
            HeaderMap::from_iter([(header::ORIGIN, "https://evil.example".parse().unwrap())]);
        assert!(is_ours(&Method::GET, &headers, HOME));
        assert!(is_ours(&Method::HEAD, &headers, HOME));
        assert!(!is_ours(&Method::DELETE, &headers, HOME));
    }
}
