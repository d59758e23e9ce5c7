//! Request and response headers between clients and containers of the demo edge: the same headers
//! that nginx on an edge host sets and removes (`headers.conf`), and no cookie of the manager.

use std::net::IpAddr;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, Version, header, uri::PathAndQuery},
    response::Response,
};
use model::publish::MaxBodyMib;

use crate::session::is_own_cookie;

/// Hop-by-hop headers (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Headers that only an edge host may set: client address and signed-in user.
const FROM_EDGE: [HeaderName; 7] = [
    header::FORWARDED,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-user"),
    HeaderName::from_static("x-groups"),
    HeaderName::from_static("x-email"),
    HeaderName::from_static("x-preferred-username"),
    HeaderName::from_static("x-access-token"),
];

/// Prefixes of further such headers.
const FROM_EDGE_PREFIXES: [&str; 2] = ["x-forwarded-", "x-auth-request-"];

/// Whether `Content-Length` exceeds the service's limit.
pub(super) fn is_larger(headers: &HeaderMap, limit: MaxBodyMib) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length > u64::from(limit.get()) << 20)
}

/// The origin of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The requested host.
    pub(super) host: String,
    /// The port, if the client sent one.
    pub(super) port: Option<u16>,
    /// The scheme.
    pub(super) scheme: &'static str,
    /// The client.
    pub(super) client: IpAddr,
}

/// Converts a request for the container.
pub(super) fn to_container(origin: &Origin, request: Request) -> Request {
    let (mut head, body) = request.into_parts();
    remove_hop_by_hop(&mut head.headers);
    let names = head.headers.keys().filter(|name| is_from_edge(name));
    for name in names.cloned().collect::<Vec<_>>() {
        head.headers.remove(name);
    }
    remove_session(&mut head.headers);
    let path = head.uri.path_and_query().cloned();
    head.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    head.version = Version::HTTP_11;
    let (host, client) = (origin.host.as_str(), origin.client.to_string());
    let port = origin.port.map(|port| port.to_string());
    for (name, value) in [
        ("host", Some(host)),
        ("x-real-ip", Some(client.as_str())),
        ("x-forwarded-for", Some(client.as_str())),
        ("x-forwarded-proto", Some(origin.scheme)),
        ("x-forwarded-host", Some(host)),
        ("x-forwarded-port", port.as_deref()),
    ] {
        let value = value.and_then(|value| HeaderValue::from_str(value).ok());
        if let Some(value) = value {
            head.headers.insert(HeaderName::from_static(name), value);
        }
    }
    Request::from_parts(head, body)
}

/// Converts a container's response for the client.
pub(super) fn from_container(mut response: Response<Body>) -> Response {
    let headers = response.headers_mut();
    remove_hop_by_hop(headers);
    let cookies: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter(|cookie| is_host_only(cookie))
        .cloned()
        .collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed = headers.get_all(header::CONNECTION).iter();
    let listed = listed.filter_map(|value| value.to_str().ok());
    let listed = listed.flat_map(|value| value.split(','));
    let listed: Vec<HeaderName> = listed.filter_map(|name| name.trim().parse().ok()).collect();
    for name in listed.into_iter().chain(HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn is_from_edge(name: &HeaderName) -> bool {
    let mut prefixes = FROM_EDGE_PREFIXES.iter();
    FROM_EDGE.contains(name) || prefixes.any(|prefix| name.as_str().starts_with(prefix))
}

/// Removes the manager's session cookie. Cookies are not bound to ports, so a browser may send it
/// to a container.
fn remove_session(headers: &mut HeaderMap) {
    let remaining: Vec<HeaderValue> = headers
        .get_all(header::COOKIE)
        .iter()
        // Unreadable text could contain the session.
        .filter_map(|value| value.to_str().ok())
        .filter_map(|value| {
            let pairs = value.split(';').map(str::trim);
            let pairs = pairs.filter(|pair| !is_own_cookie(cookie_name(pair)));
            let pairs: Vec<&str> = pairs.collect();
            let is_empty = pairs.iter().all(|pair| pair.is_empty());
            (!is_empty).then(|| pairs.join("; "))
        })
        .filter_map(|value| HeaderValue::try_from(value).ok())
        .collect();
    headers.remove(header::COOKIE);
    for value in remaining {
        headers.append(header::COOKIE, value);
    }
}

/// Whether a cookie of a container is bound to the container's own host. With a domain attribute it
/// could reach the manager's host, which is the parent domain.
fn is_host_only(cookie: &HeaderValue) -> bool {
    let Ok(cookie) = cookie.to_str() else {
        return false;
    };
    let mut parts = cookie.split(';');
    let is_session = parts
        .next()
        .is_some_and(|pair| is_own_cookie(cookie_name(pair)));
    let has_domain = parts.any(|part| cookie_name(part).eq_ignore_ascii_case("domain"));
    !is_session && !has_domain
}

/// The part before the first equals sign.
fn cookie_name(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name).trim()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn forwarded_headers(headers: &[(&str, &str)]) -> HeaderMap {
        let mut request = Request::post("http://wiki.localhost:3000/page?a=b");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let origin = Origin {
            host: "wiki.localhost".to_owned(),
            port: Some(3000),
            scheme: "http",
            client: [127, 0, 0, 1].into(),
        };
        let request = to_container(&origin, request);
        assert_eq!(request.uri(), "/page?a=b");
        request.headers().clone()
    }

    fn all<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
        let values = headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn session_cookie_is_not_forwarded() {
        let headers = forwarded_headers(&[
            ("cookie", "a=1; holdfast_session=secret; b=2"),
            ("cookie", " __Host-holdfast_session =secret"),
            ("cookie", "holdfast_session=secret"),
            ("cookie", "c=holdfast_session"),
        ]);
        assert_eq!(all(&headers, "cookie"), ["a=1; b=2", "c=holdfast_session"]);
    }

    #[test]
    fn forwarded_headers_match_nginx() {
        let headers = forwarded_headers(&[
            ("host", "wiki.localhost:3000"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-user", "root"),
            ("x-auth-request-email", "root@example.org"),
            ("x-user", "root"),
            ("forwarded", "for=192.0.2.7"),
            ("connection", "keep-alive, x-once"),
            ("x-once", "1"),
            ("upgrade", "websocket"),
            ("accept", "text/html"),
        ]);
        let mut pairs: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        pairs.sort_unstable();
        let expected = [
            ("accept", "text/html"),
            ("host", "wiki.localhost"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-host", "wiki.localhost"),
            ("x-forwarded-port", "3000"),
            ("x-forwarded-proto", "http"),
            ("x-real-ip", "127.0.0.1"),
        ];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn container_sets_cookies_for_its_own_host_only() {
        let mut response = Response::new(Body::empty());
        for cookie in [
            "a=1; Path=/; HttpOnly",
            "b=2; domain=localhost",
            "c=3; Path=/; DOMAIN = .localhost",
            "holdfast_session=forged; Path=/",
            "d=domain",
        ] {
            let value = HeaderValue::from_static(cookie);
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        let response = from_container(response);
        let kept = all(response.headers(), "set-cookie");
        assert_eq!(kept, ["a=1; Path=/; HttpOnly", "d=domain"]);
    }

    #[test]
    fn content_length_limit_is_inclusive() {
        let limit = MaxBodyMib::try_from(1).unwrap();
        let is_larger = |length: &str| {
            let headers = [(header::CONTENT_LENGTH, length.parse().unwrap())];
            is_larger(&headers.into_iter().collect(), limit)
        };
        assert!(!is_larger("1048576"));
        assert!(is_larger("1048577"));
        assert!(!super::is_larger(&HeaderMap::new(), limit));
    }
}
