//! Who is asked, as whom, and how long we wait. What is asked is in the other modules.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
    redirect,
};

use crate::{error::Error, params::unsendable};

/// Where a cluster's API is, and the token to use it with.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Scheme, host and port: `https://pve1:8006`. Plain `http` is for the simulator.
    pub url: String,
    /// User, realm and name of the token: `root@pam!holdfast`.
    pub token_id: String,
    /// The token's secret, as Proxmox showed it once.
    pub secret: Secret,
}

/// A token's secret. It cannot be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// How long a call may take. Reading calls are tried a second time when no connection came about,
/// so one may take up to twice as long.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To be connected, TLS included.
    pub connect: Duration,
    /// From the beginning to the end of the answer.
    pub answer: Duration,
    /// The same for calls that wait for a lock, a storage or a registry before they answer:
    /// creating, deleting, changing a configuration, pulling.
    pub slow: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(10),
            slow: Duration::from_secs(30),
        }
    }
}

/// A client of one cluster. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) http: reqwest::Client,
    /// Ends in `/api2/json`.
    pub(crate) base: Url,
    /// Scheme, host and port, for messages.
    pub(crate) address: String,
    pub(crate) timeouts: Timeouts,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.inner.address)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client for an endpoint. It connects to nothing yet.
    ///
    /// # Errors
    /// [`Error::Unsendable`] when the URL, the token's id or its secret cannot be right, and
    /// [`Error::Tls`] when the machine has no certificates to trust.
    pub fn new(endpoint: Endpoint, timeouts: Timeouts) -> Result<Self, Error> {
        let mut base = base_url(&endpoint.url)?;
        let address = base.as_str().trim_end_matches('/').to_owned();
        base.set_path("/api2/json");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, authorization(&endpoint)?)]);
        // An error means that the process has a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(timeouts.connect)
            .http1_only();
        if base.scheme() == "http" {
            // Reading the machine's certificates takes a while and here they serve nothing.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| Error::Tls {
            address: address.clone(),
            cause: crate::http::chain(&error),
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                http,
                base,
                address,
                timeouts,
            }),
        })
    }

    /// Scheme, host and port of the API.
    pub fn address(&self) -> &str {
        &self.inner.address
    }
}

fn base_url(text: &str) -> Result<Url, Error> {
    let refuse = |reason| unsendable("url", reason);
    let url: Url = text.trim().parse().map_err(|_| refuse("it is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refuse("it does not begin with https:// and a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it holds a user name or a password"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("something follows the host and the port"));
    }
    Ok(url)
}

/// `PVEAPIToken=user@realm!name=secret`. Proxmox answers any other spelling with 401.
fn authorization(endpoint: &Endpoint) -> Result<HeaderValue, Error> {
    if !is_token_id(&endpoint.token_id) {
        return Err(unsendable(
            "token_id",
            "it is not of the form user@realm!name",
        ));
    }
    let secret = &endpoint.secret.0;
    if secret.is_empty() || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(unsendable(
            "secret",
            "it is empty or holds a space or a special character",
        ));
    }
    let value = format!("PVEAPIToken={}={secret}", endpoint.token_id);
    let mut value = HeaderValue::from_str(&value)
        .map_err(|_| unsendable("token_id", "it holds a special character"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_token_id(text: &str) -> bool {
    let Some((user_and_realm, name)) = text.rsplit_once('!') else {
        return false;
    };
    let Some((user, realm)) = user_and_realm.rsplit_once('@') else {
        return false;
    };
    let user_ok = !user.is_empty()
        && !user.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ':' | '/'));
    user_ok && is_word(realm) && is_word(name)
}

/// `[A-Za-z][A-Za-z0-9.\-_]+`
fn is_word(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, token_id: &str, secret: &str) -> Endpoint {
        Endpoint {
            url: url.to_owned(),
            token_id: token_id.to_owned(),
            secret: secret.into(),
        }
    }

    fn refused_field(endpoint: Endpoint) -> String {
        match Client::new(endpoint, Timeouts::default()) {
            Err(Error::Unsendable { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_secret_is_never_printed() {
        let endpoint = endpoint("http://127.0.0.1:1", "root@pam!holdfast", "s3cr3t-s3cr3t");
        assert!(!format!("{endpoint:?}").contains("s3cr3t"));
        assert!(!format!("{:?}", authorization(&endpoint).unwrap()).contains("s3cr3t"));
        let client = Client::new(endpoint, Timeouts::default()).unwrap();
        assert!(!format!("{client:?}").contains("s3cr3t"));
        assert_eq!(client.address(), "http://127.0.0.1:1");
    }

    #[test]
    fn an_endpoint_that_cannot_be_right_is_refused_before_anything_is_sent() {
        for url in [
            "pve1:8006",
            "ftp://pve1",
            "https://pve1:8006/api2/json",
            "https://root:pw@pve1:8006",
            "https://pve1:8006/?x",
            "",
        ] {
            assert_eq!(
                refused_field(endpoint(url, "root@pam!holdfast", "x")),
                "url",
                "{url}"
            );
        }
        for id in [
            "root@pam",
            "root!holdfast",
            "@pam!holdfast",
            "root@pam!h",
            "ro ot@pam!ab",
            "",
        ] {
            assert_eq!(
                refused_field(endpoint("http://a", id, "x")),
                "token_id",
                "{id}"
            );
        }
        for secret in ["", "a b", "a\nb"] {
            assert_eq!(
                refused_field(endpoint("http://a", "root@pam!ab", secret)),
                "secret"
            );
        }
    }
}
