//! Who is at the other end: the connection's address, or what trusted proxies say it is. Throttling
//! and the log depend on it, so nobody else's `X-Forwarded-For` is believed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;

use crate::router::AppState;

/// The client's address; an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub IpAddr);

/// Adds [`Client`] to the request, and takes away a request id that a stranger sent.
pub async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| {
            peer.ip()
        });
    let trusted = &state.public.trusted_proxies;
    if !is_trusted(peer.to_canonical(), trusted) {
        request.headers_mut().remove("x-request-id");
    }
    let client = client(peer, request.headers(), trusted);
    request.extensions_mut().insert(Client(client));
    next.run(request).await
}

/// Walks `X-Forwarded-For` from the right, as far as those who wrote it are trusted: the first
/// address that is not a trusted proxy is the client's.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut believed = peer.to_canonical();
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in hops.iter().rev() {
        if !is_trusted(believed, trusted) {
            break;
        }
        match address(hop.trim()) {
            Some(next) => believed = next.to_canonical(),
            None => break,
        }
    }
    believed
}

/// An address as proxies write it: some add the port.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| {
        text.parse::<SocketAddr>()
            .ok()
            .map(|with_port| with_port.ip())
    })
}

/// Whether an address is a trusted proxy's.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|t| t.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(
            seen("203.0.113.9", &["10.1.1.1"], &["10.0.0.0/8"]),
            "203.0.113.9"
        );
        assert_eq!(seen("203.0.113.9", &["10.1.1.1"], &[]), "203.0.113.9");
    }

    #[test]
    fn the_right_most_that_is_no_proxy_is_the_client() {
        let proxies = ["10.0.0.0/8"];
        assert_eq!(
            seen("10.0.0.1", &["198.51.100.7"], &proxies),
            "198.51.100.7"
        );
        assert_eq!(
            seen("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.0.0.2"], &proxies),
            "198.51.100.7"
        );
        assert_eq!(
            seen("10.0.0.1", &["6.6.6.6", "198.51.100.7"], &proxies),
            "198.51.100.7"
        );
        assert_eq!(seen("10.0.0.1", &["10.0.0.3"], &proxies), "10.0.0.3");
    }

    #[test]
    fn what_is_no_address_ends_the_walk() {
        assert_eq!(
            seen("10.0.0.1", &["1.2.3.4, unknown"], &["10.0.0.0/8"]),
            "10.0.0.1"
        );
        assert_eq!(seen("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn ports_and_mapped_addresses_are_understood() {
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(
            seen("::ffff:10.0.0.1", &["198.51.100.7:4711"], &proxies),
            "198.51.100.7"
        );
        assert_eq!(
            seen("fd00::1", &["[2001:db8::5]:80"], &proxies),
            "2001:db8::5"
        );
    }
}
