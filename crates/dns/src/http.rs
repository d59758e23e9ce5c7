//! One call of an API over HTTP: how it is kept safe, how long it may take and how much may come
//! back. It knows nothing of what the calls mean.

use std::{error::Error as StdError, io, time::Duration};

use reqwest::{
    Certificate, Client, RequestBuilder, Response, StatusCode, Url,
    header::{HeaderMap, RETRY_AFTER},
    redirect,
};
use url::Host;

use crate::{DnsError, Options};

/// More than a page of a hundred records needs.
const MAX_ANSWER: usize = 1 << 20;

/// An API, and what it is called in sentences.
pub(crate) struct Http {
    pub(crate) called: String,
    client: Client,
    base: Url,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// A client of the API at this address, which is reached through TLS unless it is on this very
    /// machine.
    pub(crate) fn new(called: String, base: &str, options: &Options) -> Result<Self, DnsError> {
        let base: Url = base
            .parse()
            .map_err(|_| DnsError::refused(format!("{base:?} is not the address of an API.")))?;
        let is_own = is_loopback(&base);
        if base.scheme() != "https" && !(is_own && base.scheme() == "http") {
            return Err(DnsError::refused(format!(
                "The password would be sent to {called} without TLS. Use an address that begins \
                 with https://."
            )));
        }
        // An error means that the process has a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(options.connect)
            .timeout(options.answer);
        if is_own {
            builder = builder.no_proxy();
        }
        if let Some(roots) = &options.roots {
            let roots = Certificate::from_pem_bundle(roots.as_str().as_bytes());
            let roots = roots.map_err(|_| DnsError::refused("The authority is not one in PEM."))?;
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder
            .build()
            .map_err(|error| DnsError::refused(format!("TLS cannot be used: {error}.")))?;
        Ok(Self {
            called,
            client,
            base,
        })
    }

    /// A request for what is below the base. Each part is encoded, so that none can become two.
    pub(crate) fn request(
        &self,
        method: reqwest::Method,
        path: &[&str],
    ) -> Result<RequestBuilder, DnsError> {
        Ok(self.client.request(method, below(&self.base, path)?))
    }

    /// Makes a call. What is an answer of the API is left to the caller, whatever it says.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, DnsError> {
        let failed = |error: reqwest::Error| self.failed(&error.without_url());
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(self.limited(response.headers()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(DnsError::refused(format!(
                    "The answer of {} is larger than any that it gives.",
                    self.called
                )));
            }
            body.extend_from_slice(&chunk);
        }
        self.check(&response)?;
        Ok(Answer { status, body })
    }

    fn check(&self, response: &Response) -> Result<(), DnsError> {
        let (called, status) = (&self.called, response.status());
        if status.is_server_error() {
            return Err(DnsError::away(format!(
                "{called} cannot do it now (HTTP {status})."
            )));
        }
        if status.is_redirection() {
            return Err(DnsError::refused(format!(
                "{called} sends us elsewhere (HTTP {status}). Use the address of the API itself."
            )));
        }
        Ok(())
    }

    fn limited(&self, headers: &HeaderMap) -> DnsError {
        // In seconds; the form with a date (RFC 9110, section 10.2.3) is not used by these APIs.
        let retry_after = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let when = retry_after.map_or("later".to_owned(), |after| {
            format!("in {} seconds", after.as_secs())
        });
        DnsError::Limited {
            words: format!(
                "{} wants to be asked less often: again {when}.",
                self.called
            ),
            retry_after,
        }
    }

    fn failed(&self, error: &reqwest::Error) -> DnsError {
        let called = &self.called;
        if is_tls(error) {
            return DnsError::refused(format!(
                "The certificate of {called} is not trusted by this machine: {}.",
                chain(error)
            ));
        }
        if error.is_timeout() {
            return DnsError::away(format!("{called} does not answer in time."));
        }
        DnsError::away(format!("{called} cannot be reached: {}.", chain(error)))
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

fn below(base: &Url, path: &[&str]) -> Result<Url, DnsError> {
    let refusal = || DnsError::refused(format!("{path:?} is not a path of an API."));
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

/// An error and all that caused it, in one line.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut words = Vec::<String>::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
        next = error.source();
    }
    words.join(": ")
}

/// Whether TLS itself said no.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        // An I/O error passes over the error that it wraps when asked for its source.
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
    fn a_password_is_sent_through_tls_or_to_this_machine_alone() {
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
        fn a_part_of_a_path_stays_one_part(part in "\\PC{0,20}|[a-z./?#%\\\\]{0,10}") {
            let base: Url = "https://api.example.org/client/v4".parse().unwrap();
            let Ok(url) = below(&base, &["zones", &part, "dns_records"]) else { return Ok(()) };
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 5);
            prop_assert_eq!(segments[4], "dns_records");
            prop_assert_eq!(url.query(), None);
            prop_assert_eq!(url.fragment(), None);
            prop_assert_eq!(url.host_str(), Some("api.example.org"));
        }
    }
}
