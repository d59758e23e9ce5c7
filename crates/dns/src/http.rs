//! HTTP client for provider APIs: TLS, timeouts and response size limits. Must not know the meaning
//! of the calls.

use std::{error::Error as StdError, io, time::Duration};

use reqwest::{
    Certificate, Client, RequestBuilder, Response, StatusCode, Url,
    header::{HeaderMap, RETRY_AFTER},
    redirect,
};
use url::Host;

use crate::{DnsError, Options};

/// Maximum size of a response body in bytes; a page of 100 records is smaller.
const MAX_RESPONSE: usize = 1 << 20;

/// Client of one API, with its name in messages.
pub(crate) struct Http {
    pub(crate) display_name: String,
    client: Client,
    base: Url,
}

/// A response of the API.
pub(crate) struct ApiResponse {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// Creates a client. The URL must be `https`, except for the loopback interface.
    pub(crate) fn new(
        display_name: String,
        base: &str,
        options: &Options,
    ) -> Result<Self, DnsError> {
        let base: Url = base
            .parse()
            .map_err(|_| DnsError::refused(format!("{base:?} is not an http or https URL.")))?;
        let is_local = is_loopback(&base);
        if base.scheme() != "https" && !(is_local && base.scheme() == "http") {
            return Err(DnsError::refused(format!(
                "The password would be sent to {display_name} without TLS. Use an address that begins \
                 with https://."
            )));
        }
        // Fails if the process already has a default provider, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(options.connect_timeout)
            .timeout(options.response_timeout);
        if is_local {
            builder = builder.no_proxy();
        }
        if let Some(roots) = &options.roots {
            let roots = Certificate::from_pem_bundle(roots.as_str().as_bytes());
            let roots =
                roots.map_err(|_| DnsError::refused("The CA certificate is not in PEM format."))?;
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder.build().map_err(|error| {
            DnsError::refused(format!("TLS could not be initialized: {error}."))
        })?;
        Ok(Self {
            display_name,
            client,
            base,
        })
    }

    /// A request for a path below the base URL. Each segment is encoded.
    pub(crate) fn request(
        &self,
        method: reqwest::Method,
        path: &[&str],
    ) -> Result<RequestBuilder, DnsError> {
        Ok(self.client.request(method, join_path(&self.base, path)?))
    }

    /// Sends a request. The caller interprets the response, except for rate limits, server errors
    /// and redirects.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<ApiResponse, DnsError> {
        let request_error = |error: reqwest::Error| self.request_error(&error.without_url());
        let mut response = request.send().await.map_err(request_error)?;
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(self.rate_limited(response.headers()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(request_error)? {
            if body.len() + chunk.len() > MAX_RESPONSE {
                return Err(DnsError::refused(format!(
                    "The response of {} is too large.",
                    self.display_name
                )));
            }
            body.extend_from_slice(&chunk);
        }
        self.check(&response)?;
        Ok(ApiResponse { status, body })
    }

    fn check(&self, response: &Response) -> Result<(), DnsError> {
        let (display_name, status) = (&self.display_name, response.status());
        if status.is_server_error() {
            return Err(DnsError::unavailable(format!(
                "{display_name} is temporarily unavailable (HTTP {status})."
            )));
        }
        if status.is_redirection() {
            return Err(DnsError::refused(format!(
                "{display_name} redirects (HTTP {status}). Use the URL of the API."
            )));
        }
        Ok(())
    }

    fn rate_limited(&self, headers: &HeaderMap) -> DnsError {
        // In seconds; these APIs do not use the date form (RFC 9110, section 10.2.3).
        let retry_after = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let when = retry_after.map_or("later".to_owned(), |after| {
            format!("in {} seconds", after.as_secs())
        });
        DnsError::RateLimited {
            message: format!(
                "The rate limit of {} is reached. Retry {when}.",
                self.display_name
            ),
            retry_after,
        }
    }

    fn request_error(&self, error: &reqwest::Error) -> DnsError {
        let display_name = &self.display_name;
        if is_tls(error) {
            return DnsError::refused(format!(
                "The certificate of {display_name} is not trusted by this host: {}.",
                error_chain(error)
            ));
        }
        if error.is_timeout() {
            return DnsError::unavailable(format!("{display_name} did not respond in time."));
        }
        DnsError::unavailable(format!(
            "{display_name} is unreachable: {}.",
            error_chain(error)
        ))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(v4)) => v4.is_loopback(),
        Some(Host::Ipv6(v6)) => v6.is_loopback(),
        None => false,
    }
}

fn join_path(base: &Url, path: &[&str]) -> Result<Url, DnsError> {
    let refusal = || DnsError::refused(format!("{path:?} is not an API path."));
    if path.iter().any(|part| matches!(*part, "" | "." | "..")) {
        return Err(refusal());
    }
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| refusal())?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

/// An error and its sources in one line.
fn error_chain(error: &(dyn StdError + 'static)) -> String {
    let mut messages = Vec::<String>::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if messages.last() != Some(&text) {
            messages.push(text);
        }
        next = error.source();
    }
    messages.join(": ")
}

/// Whether a TLS error caused this error.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        // `io::Error::source` skips the error that it wraps.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if error.is::<rustls::Error>() || wrapped.is_some_and(|wrapped| is_tls(wrapped)) {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn api_url_must_be_https_or_loopback() {
        let open = |base: &str| Http::new("The API".into(), base, &Options::default());
        for base in [
            "https://api.example.org",
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:80",
        ] {
            assert!(open(base).is_ok(), "{base}");
        }
        for base in [
            "http://api.example.org",
            "http://10.20.0.5",
            "http://localhost.example.org",
            "ftp://127.0.0.1",
            "",
        ] {
            assert!(
                matches!(open(base), Err(DnsError::Refused { .. })),
                "{base}"
            );
        }
    }

    proptest! {
        #[test]
        fn path_segments_are_encoded(part in "\\PC{0,20}|[a-z./?#%\\\\]{0,10}") {
            let base: Url = "https://api.example.org/client/v4".parse().unwrap();
            let Ok(url) = join_path(&base, &["zones", &part, "dns_records"]) else { return Ok(()) };
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 5);
            prop_assert_eq!(segments[4], "dns_records");
            prop_assert_eq!(url.query(), None);
            prop_assert_eq!(url.fragment(), None);
            prop_assert_eq!(url.host_str(), Some("api.example.org"));
        }
    }
}
