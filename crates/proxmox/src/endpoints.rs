//! The API endpoints of a cluster, tried in order from the one that succeeded last. The retry rules
//! are in `http`. Also fetches the fingerprint of an endpoint that is not configured yet.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use pinned::find_mismatch;
use reqwest::{ClientBuilder, Url, redirect};

use crate::{
    Fingerprint, Timeouts, Trust,
    error::Error,
    error_chain::{error_chain, find_cause},
    params::unsendable,
    tls::{settings, tls_error},
};

/// An API endpoint of a cluster. Each node is one, with its own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Scheme, host and port: `https://pve1:8006`. Plain `http` is for the simulator.
    pub url: String,
    /// The certificate's fingerprint. With a fingerprint, name, dates and issuer are not checked;
    /// without one, [`Trust`] applies.
    pub fingerprint: Option<Fingerprint>,
}

impl Endpoint {
    /// An endpoint whose certificate is verified by [`Trust`].
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            fingerprint: None,
        }
    }

    /// An endpoint with a pinned certificate.
    pub fn pinned(url: impl Into<String>, fingerprint: Fingerprint) -> Self {
        Self {
            url: url.into(),
            fingerprint: Some(fingerprint),
        }
    }
}

/// An endpoint with its connection pool.
pub(crate) struct Target {
    pub(crate) http: reqwest::Client,
    /// Ends with `/api2/json`.
    pub(crate) base: Url,
    /// Scheme, host and port, for messages.
    pub(crate) address: String,
}

impl Target {
    fn new(endpoint: &Endpoint, trust: &Trust, timeouts: Timeouts) -> Result<Self, Error> {
        let mut base = base_url(&endpoint.url)?;
        let address = base.as_str().trim_end_matches('/').to_owned();
        base.set_path("/api2/json");
        let builder = builder(timeouts.connect);
        let builder = match (base.scheme(), endpoint.fingerprint) {
            // Avoids loading the system's certificate authorities, which is slow and not needed for
            // HTTP.
            ("http", None) => builder.tls_certs_only([]),
            ("http", Some(_)) => {
                return Err(unsendable(
                    "url",
                    "a server without TLS has no certificate fingerprint",
                ));
            }
            (_, Some(fingerprint)) => {
                builder.tls_backend_preconfigured(settings(Some(fingerprint))?)
            }
            (_, None) => trust.apply(builder)?,
        };
        let http = builder.build().map_err(|error| Error::Tls {
            address: address.clone(),
            cause: error_chain(&error),
        })?;
        Ok(Self {
            http,
            base,
            address,
        })
    }
}

/// The endpoints of one cluster; at least one.
pub(crate) struct Endpoints {
    first: Target,
    others: Vec<Target>,
    current: AtomicUsize,
}

impl Endpoints {
    pub(crate) fn new(
        endpoints: &[Endpoint],
        trust: &Trust,
        timeouts: Timeouts,
    ) -> Result<Self, Error> {
        let mut targets = endpoints
            .iter()
            .map(|endpoint| Target::new(endpoint, trust, timeouts));
        let first = targets
            .next()
            .ok_or_else(|| unsendable("endpoints", "at least one is required"))??;
        Ok(Self {
            first,
            others: targets.collect::<Result<_, _>>()?,
            current: AtomicUsize::new(0),
        })
    }

    fn at(&self, index: usize) -> &Target {
        index
            .checked_sub(1)
            .and_then(|index| self.others.get(index))
            .unwrap_or(&self.first)
    }

    /// The endpoint that succeeded last.
    pub(crate) fn current(&self) -> &Target {
        self.at(self.current.load(Ordering::Relaxed))
    }

    /// Every endpoint with its index, starting with the one that succeeded last.
    pub(crate) fn iter_from_current(&self) -> impl Iterator<Item = (usize, &Target)> {
        let (count, current) = (self.count(), self.current.load(Ordering::Relaxed));
        (0..count)
            .map(move |step| (current + step) % count)
            .map(|index| (index, self.at(index)))
    }

    /// Records the endpoint that succeeded.
    pub(crate) fn set_current(&self, index: usize) {
        let previous = self.current.swap(index, Ordering::Relaxed);
        if previous != index {
            tracing::info!(
                from = self.at(previous).address,
                to = self.at(index).address,
                "cluster endpoint changed"
            );
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.others.len() + 1
    }
}

/// Settings that all connections to Proxmox share.
pub(crate) fn builder(connect: Duration) -> ClientBuilder {
    // An error means that the process has a default provider already, which works as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(connect)
        .http1_only()
}

/// Parses the URL of an endpoint: scheme, host and port only.
pub(crate) fn base_url(text: &str) -> Result<Url, Error> {
    let refuse = |reason| unsendable("url", reason);
    let url: Url = text
        .trim()
        .parse()
        .map_err(|_| refuse("the value is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refuse("the URL must start with https:// and a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("the URL must not contain a user name or a password"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("the URL must end after the host and port"));
    }
    Ok(url)
}

/// The fingerprint of a server's certificate, for a user to compare and confirm. The handshake is
/// aborted after the certificate was received: no request is sent.
///
/// # Errors
/// [`Error::InvalidArgument`] if the URL is not `https`, [`Error::Unreachable`],
/// [`Error::Timeout`], and [`Error::Tls`] if the server does not support TLS.
pub async fn fetch_fingerprint(url: &str, timeout: Duration) -> Result<Fingerprint, Error> {
    let base = base_url(url)?;
    if base.scheme() != "https" {
        return Err(unsendable("url", "a server without TLS has no certificate"));
    }
    let address = base.as_str().trim_end_matches('/').to_owned();
    // A verifier that rejects every certificate: the error contains the fingerprint.
    let http = builder(timeout)
        .tls_backend_preconfigured(settings(None)?)
        .build();
    let http = http.map_err(|error| Error::Tls {
        address: address.clone(),
        cause: error_chain(&error),
    })?;
    let Err(error) = http.get(base).timeout(timeout).send().await else {
        let cause = "the TLS connection was accepted without a certificate".to_owned();
        return Err(Error::Tls { address, cause });
    };
    let error = error.without_url();
    if let Some(mismatch) = find_cause::<rustls::Error>(&error).and_then(find_mismatch) {
        return Ok(mismatch.actual);
    }
    if error.is_timeout() {
        let (after, sent) = (timeout, false);
        return Err(Error::Timeout {
            address,
            after,
            sent,
        });
    }
    Err(
        tls_error(&error, &address).unwrap_or_else(|| Error::Unreachable {
            cause: error_chain(&error),
            address,
            sent: false,
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(urls: &[&str]) -> Result<Endpoints, Error> {
        let urls: Vec<_> = urls.iter().map(|url| Endpoint::new(*url)).collect();
        Endpoints::new(&urls, &Trust::System, Timeouts::default())
    }

    fn order(endpoints: &Endpoints) -> Vec<usize> {
        endpoints
            .iter_from_current()
            .map(|(index, _)| index)
            .collect()
    }

    #[test]
    fn last_successful_endpoint_is_first_and_each_appears_once() {
        let three = endpoints(&["http://a:1", "http://b:1", "http://c:1"]).unwrap();
        assert_eq!(order(&three), [0, 1, 2]);
        three.set_current(1);
        assert_eq!(order(&three), [1, 2, 0]);
        assert_eq!(three.current().address, "http://b:1");
    }

    #[test]
    fn endpoints_must_be_nonempty_and_valid() {
        for urls in [&[][..], &["http://a", "pve2:8006"]] {
            assert!(matches!(
                endpoints(urls),
                Err(Error::InvalidArgument { .. })
            ));
        }
        let fingerprint = "00".repeat(32).parse().unwrap();
        let plain = [Endpoint::pinned("http://a", fingerprint)];
        let refused = Endpoints::new(&plain, &Trust::System, Timeouts::default());
        assert!(matches!(refused, Err(Error::InvalidArgument { .. })));
    }
}
