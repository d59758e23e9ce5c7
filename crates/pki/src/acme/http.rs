//! HTTP transport of the ACME client: timeouts, response size limits, TLS roots, and which
//! responses reach the library. Must not know the ACME operations.

use std::{error::Error as StdError, future::Future, io, pin::Pin, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT_LANGUAGE, LOCATION, RETRY_AFTER, USER_AGENT},
};
use http_body_util::BodyExt;
use instant_acme::{BodyWrapper, BytesResponse, HttpClient, Problem};
use model::authorities::PemCertificates;
use reqwest::{Certificate, redirect};

use super::{
    RequestGuard,
    error::{AcmeError, invalid_response, untrusted},
    retry,
};
use crate::text;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum size of a response body in bytes.
const MAX_RESPONSE: usize = 1 << 20;

/// `Retry-After` of renewal information when the CA sends none (RFC 9773, section 4.3.3, leaves the
/// default to the client).
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(6 * 3600);

/// Upper limit of `Retry-After`: the library adds the value to the clock without an overflow check.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(86_400);

/// HTTP client for one CA. Cheap to clone.
#[derive(Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    guard: Option<RequestGuard>,
}

/// A failed HTTP exchange.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    /// Connection failure or timeout.
    #[error("{0}")]
    Network(String),
    /// The server's certificate is not trusted.
    #[error("{0}")]
    Untrusted(String),
    /// A redirect.
    #[error("redirect to {0}")]
    Redirect(String),
    /// A response that is no valid ACME.
    #[error("{0}")]
    InvalidResponse(String),
    /// A problem document.
    #[error("{problem}")]
    Problem {
        /// The document.
        problem: Problem,
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header.
        retry_after: Option<Duration>,
    },
    /// An error status without a problem document.
    #[error("status {status}: {text}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header.
        retry_after: Option<Duration>,
        /// The beginning of the body.
        text: String,
    },
}

impl Http {
    /// Creates a client that trusts the given roots, or those of this host.
    pub(super) fn new(
        roots: Option<&PemCertificates>,
        guard: Option<RequestGuard>,
    ) -> Result<Self, AcmeError> {
        // Fails if the process already has a default provider, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The library signs the request URL, so following a redirect is useless.
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .https_only(true)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .http1_only();
        if let Some(roots) = roots {
            let roots = Certificate::from_pem_bundle(roots.as_str().as_bytes()).map_err(|_| {
                untrusted("The root certificates are damaged. Paste them again in PEM format.")
            })?;
            builder = builder.tls_certs_only(roots);
        }
        let client = builder.build();
        let client = client.map_err(|error| match find_cause::<rustls::Error>(&error) {
            Some(_) => untrusted(
                "The root certificates cannot be used. Paste CA certificates in PEM format.",
            ),
            None => invalid_response(&error_chain(&error)),
        })?;
        Ok(Self { client, guard })
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let Self { client, guard } = self.clone();
        Box::pin(async move {
            if let Some(guard) = guard {
                guard().await;
            }
            let response = exchange(&client, request).await;
            response.map_err(|error| instant_acme::Error::Other(Box::new(error)))
        })
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: Request<BodyWrapper<Bytes>>,
) -> Result<BytesResponse, ExchangeError> {
    let (parts, body) = request.into_parts();
    let method = parts.method;
    let body = body.collect().await;
    let body = body
        .map_err(|error| ExchangeError::InvalidResponse(error.to_string()))?
        .to_bytes();
    let mut headers = parts.headers;
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("holdfast/", env!("CARGO_PKG_VERSION"))),
    );
    // RFC 8555, section 6.1: request error messages in English.
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
    let mut request = client
        .request(method.clone(), parts.uri.to_string())
        .headers(headers);
    if !body.is_empty() {
        request = request.body(body);
    }
    let mut response = request.send().await.map_err(network)?;
    let (status, mut headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        if body.len() + chunk.len() > MAX_RESPONSE {
            let message = format!("a response of more than {MAX_RESPONSE} bytes");
            return Err(ExchangeError::InvalidResponse(message));
        }
        body.extend_from_slice(&chunk);
    }
    check_status(status, &headers, &body)?;
    if method == Method::GET && status.is_success() {
        check_directory(&body)?;
    }
    normalize_retry_after(&mut headers, &method);
    let mut response = http::Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(BytesResponse {
        parts: response.into_parts().0,
        body: Box::new(Bytes::from(body)),
    })
}

/// Rejects responses that the library cannot interpret.
fn check_status(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<(), ExchangeError> {
    if status.is_success() {
        return Ok(());
    }
    if status.is_redirection() {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        return Err(ExchangeError::Redirect(
            location.unwrap_or("nowhere").to_owned(),
        ));
    }
    let (retry_after, code) = (retry::retry_after(headers), status.as_u16());
    let problem: Option<Problem> = serde_json::from_slice(body).ok();
    match problem {
        // The library retries with the nonce of this response.
        Some(problem)
            if status == StatusCode::BAD_REQUEST
                && problem
                    .r#type
                    .as_deref()
                    .is_some_and(|kind| kind.ends_with(":badNonce")) =>
        {
            Ok(())
        }
        Some(problem) if problem.r#type.is_some() || problem.detail.is_some() => {
            Err(ExchangeError::Problem {
                problem,
                status: code,
                retry_after,
            })
        }
        _ => Err(ExchangeError::Status {
            status: code,
            retry_after,
            text: text::sanitize(&String::from_utf8_lossy(body), 200),
        }),
    }
}

/// Directory fields that the client uses (RFC 8555, section 9.7.5; RFC 9773, section 5).
const DIRECTORY_URLS: [&str; 5] = [
    "newNonce",
    "newAccount",
    "newOrder",
    "revokeCert",
    "renewalInfo",
];

/// Checks that the directory's URLs are `https` URLs: the library does not.
fn check_directory(body: &[u8]) -> Result<(), ExchangeError> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(body) else {
        return Ok(());
    };
    if !fields.contains_key("newNonce") {
        return Ok(());
    }
    for name in DIRECTORY_URLS {
        let Some(text) = fields.get(name).and_then(serde_json::Value::as_str) else {
            continue;
        };
        let is_https = text
            .parse::<http::Uri>()
            .is_ok_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
        if !is_https {
            let message = format!("the directory's {name} is not an https URL");
            return Err(ExchangeError::InvalidResponse(message));
        }
    }
    Ok(())
}

/// Rewrites `Retry-After` to bounded seconds, the only form that the library always parses.
fn normalize_retry_after(headers: &mut HeaderMap, method: &Method) {
    let wait = match retry::retry_after(headers) {
        Some(wait) => wait.min(MAX_RETRY_AFTER),
        // Only renewal information (a GET) requires the header, and not every CA sends it.
        None if method == Method::GET => DEFAULT_RETRY_AFTER,
        None => {
            headers.remove(RETRY_AFTER);
            return;
        }
    };
    headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
}

fn network(error: reqwest::Error) -> ExchangeError {
    let error = error.without_url();
    let cause = find_cause::<rustls::Error>(&error);
    match cause {
        Some(cause @ rustls::Error::InvalidCertificate(_)) => {
            ExchangeError::Untrusted(cause.to_string())
        }
        _ if error.is_timeout() => ExchangeError::Network(format!(
            "no response within {} seconds",
            REQUEST_TIMEOUT.as_secs()
        )),
        _ => ExchangeError::Network(error_chain(&error)),
    }
}

/// An error and its sources, joined by colons, the innermost last.
fn error_chain(error: &(dyn StdError + 'static)) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let text = inner.to_string();
        // Many errors already include the message of their source.
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = inner.source();
    }
    message
}

/// The first error of type `E` in the source chain. `io::Error` returns its inner error by
/// `get_ref`, not by `source`.
fn find_cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        current = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_rewritten_to_bounded_seconds() {
        let rewrite = |text: Option<&str>, method: Method| {
            let mut headers = HeaderMap::new();
            if let Some(text) = text {
                headers.insert(RETRY_AFTER, text.parse().unwrap());
            }
            normalize_retry_after(&mut headers, &method);
            headers
                .get(RETRY_AFTER)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(rewrite(Some("5"), Method::POST).unwrap(), "5");
        assert_eq!(
            rewrite(Some("18446744073709551615"), Method::POST).unwrap(),
            "86400"
        );
        assert_eq!(rewrite(Some("soon"), Method::POST), None);
        assert_eq!(rewrite(None, Method::POST), None);
        assert_eq!(rewrite(Some("soon"), Method::GET).unwrap(), "21600");
    }

    #[test]
    fn directory_urls_must_be_https() {
        for (body, is_good) in [
            (
                r#"{"newNonce":"https://a/n","newOrder":"https://a/o","meta":{}}"#,
                true,
            ),
            (
                r#"{"newNonce":"https://a/n","newOrder":"http://a/o"}"#,
                false,
            ),
            (r#"{"newNonce":"not an address"}"#, false),
            (r#"{"newNonce":""}"#, false),
            (r#"{"else":"x"}"#, true),
            ("no JSON", true),
        ] {
            assert_eq!(check_directory(body.as_bytes()).is_ok(), is_good, "{body}");
        }
    }
}
