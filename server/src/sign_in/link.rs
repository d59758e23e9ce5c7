//! Signing in with the one-time link that the console shows, on this machine only.
//!
//! The link signs in directly by GET. That is safe because only this machine can use it, requests
//! that a browser or a tool makes ahead of the person do not count, and a valid token cannot be
//! planted by anyone who could not sign in as the administrator already. The token is in the query,
//! which the log leaves out, and the redirect takes it out of the address bar.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::{
    Extension,
    extract::{ConnectInfo, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, uri::Authority},
    response::{IntoResponse as _, Response},
};
use control::sessions;
use model::Error;
use serde::Deserialize;

use super::{origin, refused, signed_in};
use crate::{
    client_addr::{self, Client},
    router::{AppState, Public},
    session::Token,
};

/// Where links lead.
pub(crate) const LINK_PATH: &str = "/sign-in/link";

const NOT_LOCAL: &str = "A sign-in link works only in a browser on the machine that runs Holdfast. \
    Sign in with your password.";

/// Headers that proxies add. A request with one of them did not start on this machine, or cannot be
/// shown to.
const PROXY_HEADERS: [&str; 6] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Headers by which browsers mark requests that no person has made yet.
const PREFETCH_HEADERS: [&str; 3] = ["sec-purpose", "purpose", "x-moz"];

/// The query of a link.
#[derive(Deserialize)]
pub struct LinkQuery {
    #[serde(default)]
    token: String,
}

/// The link with a token, or none where no browser could use it: where people reach Holdfast under
/// a name that is not this machine's own, or through a proxy on this machine.
pub(crate) fn link_url(public: &Public, token: &str) -> Option<String> {
    let loopback = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ];
    let is_proxy = |address| client_addr::is_trusted(address, &public.trusted_proxies);
    let usable = is_loopback_host(public.url.host()) && !loopback.into_iter().any(is_proxy);
    usable.then(|| format!("{}{LINK_PATH}?token={token}", public.url))
}

/// Begins a session with a link and goes on to the first page. A session that the browser had ends,
/// as when signing in with a password.
pub async fn sign_in_with_link(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(Client(address)): Extension<Client>,
    Extension(Token(old)): Extension<Token>,
    Query(LinkQuery { token }): Query<LinkQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if PREFETCH_HEADERS
        .iter()
        .any(|name| headers.contains_key(*name))
    {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let from_proxy =
        client_addr::is_trusted(peer.ip().to_canonical(), &state.public.trusted_proxies);
    let redeemed = if !from_proxy && is_local(peer.ip(), address, &uri, &headers) {
        sessions::redeem_link(&state.control, &token, origin(address, &headers)).await
    } else {
        tracing::warn!(%peer, "sign-in link refused: the request is not from this machine");
        Err(Error::forbidden(NOT_LOCAL))
    };
    let mut response = match redeemed {
        Ok(session) => signed_in(&state, &session, old, "/").await,
        Err(error) => refused(&state, headers, error, String::new(), String::new()).await,
    };
    let policy = HeaderValue::from_static("no-referrer");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, policy);
    response
}

/// Whether a request was made on this machine, under this machine's own name, and passed no proxy.
fn is_local(peer: IpAddr, client: IpAddr, uri: &Uri, headers: &HeaderMap) -> bool {
    let passed_proxy = PROXY_HEADERS.iter().any(|name| headers.contains_key(*name));
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    // HTTP/2 has the host in the address of the request.
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok()?.parse::<Authority>().ok())
        .or_else(|| uri.authority().cloned());
    is_loopback(peer)
        && is_loopback(client)
        && !passed_proxy
        && host.is_some_and(|host| is_loopback_host(host.host()))
}

/// Whether a host's name is this machine's own, whatever a name server says.
fn is_loopback_host(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(peer: &str, host: &str, more: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(name) = more {
            headers.insert(name, HeaderValue::from_static("127.0.0.1"));
        }
        let peer = peer.parse().unwrap();
        is_local(peer, peer, &Uri::from_static(LINK_PATH), &headers)
    }

    #[test]
    fn request_is_local_by_its_peer_and_its_host() {
        for host in [
            "localhost:3000",
            "LOCALHOST",
            "127.0.0.1:3000",
            "[::1]:3000",
        ] {
            assert!(local("127.0.0.1", host, None), "{host}");
        }
        assert!(local("::1", "localhost", None));
        assert!(local("::ffff:127.0.0.1", "localhost", None));
        assert!(!local("192.0.2.7", "localhost:3000", None));
        for host in ["cloud.example.org", "wiki.localhost:3000", "192.0.2.7", ""] {
            assert!(!local("127.0.0.1", host, None), "{host:?}");
        }
    }

    #[test]
    fn request_through_a_proxy_is_not_local() {
        for name in PROXY_HEADERS {
            assert!(!local("127.0.0.1", "localhost", Some(name)), "{name}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        let (peer, client) = ("127.0.0.1".parse(), "192.0.2.7".parse());
        let uri = Uri::from_static(LINK_PATH);
        assert!(!is_local(peer.unwrap(), client.unwrap(), &uri, &headers));
    }

    #[test]
    fn host_of_http2_is_in_the_address() {
        let peer = "127.0.0.1".parse().unwrap();
        let at = |uri: &str| is_local(peer, peer, &uri.parse().unwrap(), &HeaderMap::new());
        assert!(at("https://localhost:3000/sign-in/link"));
        assert!(!at("https://cloud.example.org/sign-in/link"));
        assert!(!at("/sign-in/link"));
    }

    #[test]
    fn link_is_for_this_machine_only() {
        let with = |url: &str, proxies: &[&str]| {
            let proxies = proxies.iter().map(|proxy| proxy.parse().unwrap());
            let public = Public::new(url.parse().unwrap(), proxies.collect());
            link_url(&public, "abc")
        };
        let link = |url: &str| with(url, &["192.0.2.0/24"]);
        assert_eq!(
            link("http://localhost:3000").as_deref(),
            Some("http://localhost:3000/sign-in/link?token=abc")
        );
        assert!(link("http://127.0.0.1:3000").is_some());
        assert!(link("https://[::1]:3000").is_some());
        assert_eq!(link("https://cloud.example.org"), None);
        assert_eq!(with("http://localhost:3000", &["127.0.0.0/8"]), None);
        assert_eq!(with("http://localhost:3000", &["::1/128"]), None);
    }
}
