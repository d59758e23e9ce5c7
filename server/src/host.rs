//! The host that a request is for, and whether it is this machine.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Request as HttpRequest, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{config::PublicUrl, router::AppState};

/// The host and port that a request is for. HTTP/2 and requests in absolute form name them in the
/// URI, which counts before the header (RFC 9112, section 3.2.2).
pub(crate) fn authority<B>(request: &HttpRequest<B>) -> Option<Authority> {
    let header = || {
        let header = request.headers().get(header::HOST)?;
        header.to_str().ok()?.parse().ok()
    };
    request.uri().authority().cloned().or_else(header)
}

/// Whether a host's name is this machine's own, whatever a name server says.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether browsers reach this machine, and nothing else, by a host: also by names below `localhost`
/// (RFC 6761, section 6.3).
fn is_of_this_machine(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    is_loopback(&name) || name.ends_with(".localhost")
}

/// What becomes of a request by its host.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Answer,
    /// People came by an address of this machine; their cookie is under its name.
    Redirect(HeaderValue),
    /// A page of another site had its own name resolve to this machine (DNS rebinding), and must
    /// not read the answer.
    Refuse,
}

/// Where Holdfast is for this machine alone, answers under this machine's own names alone. Elsewhere
/// a proxy decides.
pub async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/healthz" || path == "/readyz" {
        return next.run(request).await;
    }
    match verdict(&state.public.url, &request) {
        Verdict::Answer => next.run(request).await,
        Verdict::Redirect(location) => (
            StatusCode::TEMPORARY_REDIRECT,
            [(header::LOCATION, location)],
        )
            .into_response(),
        Verdict::Refuse => {
            let message = format!(
                "Holdfast is at {} here. To use another name, set public_url.\n",
                state.public.url
            );
            (StatusCode::MISDIRECTED_REQUEST, message).into_response()
        }
    }
}

fn verdict<B>(public_url: &PublicUrl, request: &HttpRequest<B>) -> Verdict {
    if !is_of_this_machine(public_url.host()) {
        return Verdict::Answer;
    }
    let Some(authority) = authority(request) else {
        // Programs that name no host are no browsers.
        return match request.headers().contains_key(header::HOST) {
            true => Verdict::Refuse,
            false => Verdict::Answer,
        };
    };
    if !is_of_this_machine(authority.host()) {
        return Verdict::Refuse;
    }
    let by_address = matches!(authority.host(), "127.0.0.1" | "[::1]");
    if !by_address || public_url.host() != "localhost" {
        return Verdict::Answer;
    }
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    HeaderValue::try_from(format!("{public_url}{path}")).map_or(Verdict::Refuse, Verdict::Redirect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(public_url: &str, host: &str) -> Verdict {
        let request = HttpRequest::get("/nodes?q=a").header(header::HOST, host);
        verdict(&public_url.parse().unwrap(), &request.body(()).unwrap())
    }

    #[test]
    fn server_of_this_machine_answers_under_its_own_names_only() {
        const URL: &str = "http://localhost:3000";
        assert_eq!(at(URL, "localhost:3000"), Verdict::Answer);
        assert_eq!(at(URL, "LOCALHOST"), Verdict::Answer);
        for host in ["127.0.0.1:3000", "[::1]:3000"] {
            let location = HeaderValue::from_static("http://localhost:3000/nodes?q=a");
            assert_eq!(at(URL, host), Verdict::Redirect(location), "{host}");
        }
        for host in [
            "evil.example:3000",
            "localhost.evil.example",
            "192.0.2.7",
            "a{.example",
        ] {
            assert_eq!(at(URL, host), Verdict::Refuse, "{host}");
        }
        const BELOW: &str = "http://holdfast.localhost:3443";
        assert_eq!(at(BELOW, "holdfast.localhost:3443"), Verdict::Answer);
        assert_eq!(at(BELOW, "evil.example"), Verdict::Refuse);
        let unnamed = HttpRequest::get("/").body(()).unwrap();
        assert_eq!(verdict(&URL.parse().unwrap(), &unnamed), Verdict::Answer);
        assert_eq!(at("http://127.0.0.1:3000", "[::1]:3000"), Verdict::Answer);
        assert_eq!(at("http://127.0.0.1:3000", "evil.example"), Verdict::Refuse);
    }

    #[test]
    fn server_with_a_name_leaves_hosts_to_its_proxy() {
        for host in ["cloud.example.org", "127.0.0.1", "evil.example"] {
            assert_eq!(at("https://cloud.example.org", host), Verdict::Answer);
        }
    }

    #[test]
    fn host_in_the_uri_counts_before_the_header() {
        let request = HttpRequest::get("https://localhost/").header(header::HOST, "evil.example");
        let request = request.body(()).unwrap();
        assert_eq!(authority(&request).unwrap().host(), "localhost");
    }
}
