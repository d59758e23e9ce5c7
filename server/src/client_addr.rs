//! The client address: the peer of the connection, or the address that trusted proxies report.
//! Throttling and the log depend on it, so only trusted `X-Forwarded-For` headers are used.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Request as HttpRequest},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;

use crate::state::AppState;

/// The client's address; an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub IpAddr);

/// Adds [`Client`] to the request, and removes a request ID that does not come from a trusted
/// proxy.
pub async fn identify(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = peer.ip();
    let trusted = &state.public.trusted_proxies;
    if !is_trusted(peer.to_canonical(), trusted) {
        request.headers_mut().remove("x-request-id");
    }
    let client = client_address(peer, request.headers(), trusted);
    request.extensions_mut().insert(Client(client));
    next.run(request).await
}

/// Walks `X-Forwarded-For` from the right as long as the sender is trusted: the first address that
/// is not a trusted proxy is the client.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut current = peer.to_canonical();
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in hops.iter().rev() {
        if !is_trusted(current, trusted) {
            break;
        }
        match parse_address(hop.trim()) {
            Some(next) => current = next.to_canonical(),
            None => break,
        }
    }
    current
}

/// Parses an address, with or without a port.
fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| {
        text.parse::<SocketAddr>()
            .ok()
            .map(|with_port| with_port.ip())
    })
}

/// Headers that proxies add. A request with one of them may not originate on this machine.
const PROXY_HEADERS: [&str; 6] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// The client of a request that was made on this machine without a proxy.
pub(crate) fn local<B>(request: &HttpRequest<B>, trusted: &[IpNet]) -> Option<Client> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let peer = peer.ip().to_canonical();
    let headers = request.headers();
    let passed_proxy = PROXY_HEADERS.iter().any(|name| headers.contains_key(*name));
    let is_local = peer.is_loopback() && !passed_proxy && !is_trusted(peer, trusted);
    is_local.then_some(Client(peer))
}

/// Whether an address is a trusted proxy.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|t| t.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn untrusted_peer_cannot_forge_its_address() {
        assert_eq!(
            client_of("203.0.113.9", &["10.1.1.1"], &["10.0.0.0/8"]),
            "203.0.113.9"
        );
        assert_eq!(client_of("203.0.113.9", &["10.1.1.1"], &[]), "203.0.113.9");
    }

    #[test]
    fn rightmost_untrusted_address_is_the_client() {
        let proxies = ["10.0.0.0/8"];
        assert_eq!(
            client_of("10.0.0.1", &["198.51.100.7"], &proxies),
            "198.51.100.7"
        );
        assert_eq!(
            client_of("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.0.0.2"], &proxies),
            "198.51.100.7"
        );
        assert_eq!(
            client_of("10.0.0.1", &["6.6.6.6", "198.51.100.7"], &proxies),
            "198.51.100.7"
        );
        assert_eq!(client_of("10.0.0.1", &["10.0.0.3"], &proxies), "10.0.0.3");
    }

    #[test]
    fn invalid_forwarded_address_ends_the_search() {
        assert_eq!(
            client_of("10.0.0.1", &["1.2.3.4, unknown"], &["10.0.0.0/8"]),
            "10.0.0.1"
        );
        assert_eq!(client_of("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn ports_and_mapped_addresses_are_parsed() {
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(
            client_of("::ffff:10.0.0.1", &["198.51.100.7:4711"], &proxies),
            "198.51.100.7"
        );
        assert_eq!(
            client_of("fd00::1", &["[2001:db8::5]:80"], &proxies),
            "2001:db8::5"
        );
    }

    #[test]
    fn local_request_has_a_loopback_peer_and_no_proxy() {
        let local = |peer: &str, header: Option<&str>, trusted: &[&str]| {
            let mut request = HttpRequest::get("/");
            if let Some(name) = header {
                request = request.header(name, "127.0.0.1");
            }
            let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
            let request = request.extension(ConnectInfo(peer)).body(()).unwrap();
            let trusted: Vec<IpNet> = trusted.iter().map(|t| t.parse().unwrap()).collect();
            super::local(&request, &trusted).is_some()
        };
        for peer in ["127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"] {
            assert!(local(peer, None, &["10.0.0.0/8"]), "{peer}");
            assert!(!local(peer, None, &["127.0.0.0/8", "::1/128"]), "{peer}");
        }
        assert!(!local("192.0.2.7", None, &[]));
        for name in PROXY_HEADERS {
            assert!(!local("127.0.0.1", Some(name), &[]), "{name}");
        }
    }
}
