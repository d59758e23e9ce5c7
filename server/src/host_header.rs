//! The host of a request, and DNS rebinding protection.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Request as HttpRequest, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{config::PublicUrl, loopback::is_local_host, state::AppState};

/// The host and port of a request. HTTP/2 and absolute-form requests have them in the URI, which
/// takes precedence over the `Host` header (RFC 9112, section 3.2.2).
pub(crate) fn authority<B>(request: &HttpRequest<B>) -> Option<Authority> {
    let header = || {
        let header = request.headers().get(header::HOST)?;
        header.to_str().ok()?.parse().ok()
    };
    request.uri().authority().cloned().or_else(header)
}

/// The result of the host check.
#[derive(Debug, PartialEq, Eq)]
enum HostCheck {
    Serve,
    /// The browser used a loopback address; the session cookie belongs to `localhost`.
    Redirect(HeaderValue),
    /// A name of another site resolves to this machine (DNS rebinding); its page must not read the
    /// response.
    Reject,
}

/// With a local public URL, serves only requests for names of this machine. Otherwise the reverse
/// proxy checks the host.
pub async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/healthz" || path == "/readyz" {
        return next.run(request).await;
    }
    match check_host(&state.public.url, &request) {
        HostCheck::Serve => next.run(request).await,
        HostCheck::Redirect(location) => (
            StatusCode::TEMPORARY_REDIRECT,
            [(header::LOCATION, location)],
        )
            .into_response(),
        HostCheck::Reject => {
            let message = format!(
                "Open Holdfast at {}. To use another name, set public_url.\n",
                state.public.url
            );
            (StatusCode::MISDIRECTED_REQUEST, message).into_response()
        }
    }
}

fn check_host<B>(public_url: &PublicUrl, request: &HttpRequest<B>) -> HostCheck {
    if !is_local_host(public_url.host()) {
        return HostCheck::Serve;
    }
    let Some(authority) = authority(request) else {
        // Clients without a `Host` header are not browsers.
        return match request.headers().contains_key(header::HOST) {
            true => HostCheck::Reject,
            false => HostCheck::Serve,
        };
    };
    if !is_local_host(authority.host()) {
        return HostCheck::Reject;
    }
    let is_address = matches!(authority.host(), "127.0.0.1" | "[::1]");
    if !is_address || public_url.host() != "localhost" {
        return HostCheck::Serve;
    }
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    HeaderValue::try_from(format!("{public_url}{path}"))
        .map_or(HostCheck::Reject, HostCheck::Redirect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(public_url: &str, host: &str) -> HostCheck {
        let request = HttpRequest::get("/nodes?q=a").header(header::HOST, host);
        check_host(&public_url.parse().unwrap(), &request.body(()).unwrap())
    }

    #[test]
    fn local_server_rejects_other_hosts() {
        const URL: &str = "http://localhost:3000";
        assert_eq!(at(URL, "localhost:3000"), HostCheck::Serve);
        assert_eq!(at(URL, "LOCALHOST"), HostCheck::Serve);
        for host in ["127.0.0.1:3000", "[::1]:3000"] {
            let location = HeaderValue::from_static("http://localhost:3000/nodes?q=a");
            assert_eq!(at(URL, host), HostCheck::Redirect(location), "{host}");
        }
        for host in [
            "evil.example:3000",
            "localhost.evil.example",
            "192.0.2.7",
            "a{.example",
        ] {
            assert_eq!(at(URL, host), HostCheck::Reject, "{host}");
        }
        const SUBDOMAIN: &str = "http://holdfast.localhost:3443";
        assert_eq!(at(SUBDOMAIN, "holdfast.localhost:3443"), HostCheck::Serve);
        assert_eq!(at(SUBDOMAIN, "evil.example"), HostCheck::Reject);
        let unnamed = HttpRequest::get("/").body(()).unwrap();
        assert_eq!(
            check_host(&URL.parse().unwrap(), &unnamed),
            HostCheck::Serve
        );
        assert_eq!(at("http://127.0.0.1:3000", "[::1]:3000"), HostCheck::Serve);
        assert_eq!(
            at("http://127.0.0.1:3000", "evil.example"),
            HostCheck::Reject
        );
    }

    #[test]
    fn public_server_accepts_every_host() {
        for host in ["cloud.example.org", "127.0.0.1", "evil.example"] {
            assert_eq!(at("https://cloud.example.org", host), HostCheck::Serve);
        }
    }

    #[test]
    fn uri_host_takes_precedence_over_header() {
        let request = HttpRequest::get("https://localhost/").header(header::HOST, "evil.example");
        let request = request.body(()).unwrap();
        assert_eq!(authority(&request).unwrap().host(), "localhost");
    }
}
