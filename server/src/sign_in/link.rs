//! Sign-in with the one-time link that the console shows, on this machine only.
//!
//! The link signs in by GET. That is safe because only this machine can use it, prefetch requests
//! are rejected, and a valid token cannot be planted by anyone who could not sign in as the
//! administrator anyway. The token is in the query, which the log omits, and the redirect removes
//! it from the address bar.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::{
    Extension,
    extract::{Query, Request, State},
    http::{HeaderValue, Request as HttpRequest, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use control::sessions::{self, ClientInfo};
use model::Error;
use serde::Deserialize;

use super::{show_error, start_session};
use crate::{
    client_addr::{self, Client},
    host_header, loopback,
    state::{AppState, PublicEndpoint},
};

/// The path of sign-in links.
pub(crate) const LINK_PATH: &str = "/sign-in/link";

const NOT_LOCAL: &str = "A sign-in link works only in a browser on the machine that runs Holdfast. \
    Sign in with your password.";

/// Headers by which browsers mark speculative requests.
const PREFETCH_HEADERS: [&str; 3] = ["sec-purpose", "purpose", "x-moz"];

/// The query of a link.
#[derive(Deserialize)]
pub struct LinkQuery {
    #[serde(default)]
    token: String,
}

/// The sign-in link with a token; `None` if no browser could use it, because the public URL is not
/// local or a proxy runs on this machine.
pub(crate) fn link_url(public: &PublicEndpoint, token: &str) -> Option<String> {
    let loopback = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ];
    let is_proxy = |address| client_addr::is_trusted(address, &public.trusted_proxies);
    let is_usable = loopback::is_loopback(public.url.host()) && !loopback.into_iter().any(is_proxy);
    is_usable.then(|| format!("{}{LINK_PATH}?token={token}", public.url))
}

/// Creates a session with a link and redirects to `/`. An existing session of the browser ends, as
/// after sign-in with a password.
pub async fn sign_in_with_link(
    State(state): State<AppState>,
    Extension(client): Extension<ClientInfo>,
    Query(LinkQuery { token }): Query<LinkQuery>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let old = client.session_token.clone();
    if PREFETCH_HEADERS
        .iter()
        .any(|name| headers.contains_key(*name))
    {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let redeemed = match local_client(&request, &state.public) {
        Some(Client(address)) => {
            let client = ClientInfo { address, ..client };
            sessions::redeem_link(&state.control, &token, client).await
        }
        None => {
            // Anyone can cause this line, so it is logged at debug level.
            tracing::debug!(reason = "remote client", "sign-in link refused");
            Err(Error::forbidden(NOT_LOCAL))
        }
    };
    let mut response = match redeemed {
        Ok(session) => start_session(&state, &session, old, "/").await,
        Err(error) => {
            show_error(
                &state,
                LINK_PATH,
                headers,
                error,
                String::new(),
                String::new(),
            )
            .await
        }
    };
    let policy = HeaderValue::from_static("no-referrer");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, policy);
    response
}

/// The client of a request that was made on this machine, for a local host name.
fn local_client<B>(request: &HttpRequest<B>, public: &PublicEndpoint) -> Option<Client> {
    let client = client_addr::local(request, &public.trusted_proxies)?;
    let host = host_header::authority(request)?;
    loopback::is_loopback(host.host()).then_some(client)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;

    use super::*;

    fn public(url: &str, proxies: &[&str]) -> PublicEndpoint {
        let proxies = proxies.iter().map(|proxy| proxy.parse().unwrap());
        PublicEndpoint::new(url.parse().unwrap(), proxies.collect())
    }

    fn is_local(uri: &str, host: Option<&str>) -> bool {
        let peer = SocketAddr::from(([127, 0, 0, 1], 4711));
        let mut request = HttpRequest::get(uri).extension(ConnectInfo(peer));
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        let public = public("http://localhost:3000", &[]);
        local_client(&request.body(()).unwrap(), &public).is_some()
    }

    #[test]
    fn link_works_only_for_local_hosts() {
        for host in [
            "localhost:3000",
            "LOCALHOST",
            "127.0.0.1:3000",
            "[::1]:3000",
        ] {
            assert!(is_local(LINK_PATH, Some(host)), "{host}");
        }
        for host in ["cloud.example.org", "wiki.localhost:3000", "192.0.2.7"] {
            assert!(!is_local(LINK_PATH, Some(host)), "{host:?}");
        }
        assert!(!is_local(LINK_PATH, None));
        // HTTP/2 has the host in the URI.
        assert!(is_local("https://localhost:3000/sign-in/link", None));
        assert!(!is_local("https://cloud.example.org/sign-in/link", None));
    }

    #[test]
    fn link_exists_only_for_local_public_urls() {
        let link_with_proxies =
            |url: &str, proxies: &[&str]| link_url(&public(url, proxies), "abc");
        let link = |url: &str| link_with_proxies(url, &["192.0.2.0/24"]);
        assert_eq!(
            link("http://localhost:3000").as_deref(),
            Some("http://localhost:3000/sign-in/link?token=abc")
        );
        assert!(link("http://127.0.0.1:3000").is_some());
        assert!(link("https://[::1]:3000").is_some());
        assert_eq!(link("https://cloud.example.org"), None);
        assert_eq!(
            link_with_proxies("http://localhost:3000", &["127.0.0.0/8"]),
            None
        );
        assert_eq!(
            link_with_proxies("http://localhost:3000", &["::1/128"]),
            None
        );
    }
}
