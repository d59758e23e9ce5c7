//! One request to an authority: how long it may take, how much may come back, whom it may go to, and
//! what is an answer at all. Must not know what is asked.

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
    error::{AcmeError, nonsense, untrusted},
    retry,
};
use crate::text;

const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(30);

/// More than any answer of an authority.
const MAX_ANSWER: usize = 1 << 20;

/// What is believed about renewal for as long when an authority does not say (RFC 9773, section
/// 4.3.3, leaves it to us).
const ASK_AGAIN: Duration = Duration::from_secs(6 * 3600);

/// The longest wait that the library is told of: it adds what it is told to the clock, unchecked.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// The way to an authority. Cheap to clone.
#[derive(Clone)]
pub(super) struct Http(reqwest::Client);

/// What came instead of an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// No connection, or it broke, or it took too long.
    #[error("{0}")]
    Network(String),
    /// The server's certificate is not one that is believed.
    #[error("{0}")]
    Untrusted(String),
    /// It sends elsewhere.
    #[error("it sends us on to {0}")]
    Elsewhere(String),
    /// Something that makes no sense.
    #[error("{0}")]
    Nonsense(String),
    /// A problem document.
    #[error("{problem}")]
    Problem {
        /// The document.
        problem: Problem,
        /// The HTTP status.
        status: u16,
        /// How long to wait.
        after: Option<Duration>,
    },
    /// A refusal that says nothing in the way that ACME does.
    #[error("status {status}: {text}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// How long to wait.
        after: Option<Duration>,
        /// The beginning of what it says.
        text: String,
    },
}

impl Http {
    /// A way to an authority that is known by these roots, or else by those of this host.
    pub(super) fn new(roots: Option<&PemCertificates>) -> Result<Self, AcmeError> {
        // An error means that the process has a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The library signs the address that it asks, so an answer that sends elsewhere is no help.
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .https_only(true)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .http1_only();
        if let Some(roots) = roots {
            let roots = Certificate::from_pem_bundle(roots.as_str().as_bytes())
                .map_err(|_| untrusted("The root certificates that were pasted are damaged."))?;
            builder = builder.tls_certs_only(roots);
        }
        let client = builder.build();
        let client = client.map_err(|error| match cause::<rustls::Error>(&error) {
            Some(_) => untrusted("The root certificates that were pasted cannot be used."),
            None => nonsense(&words(&error)),
        })?;
        Ok(Self(client))
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let answer = exchange(&client, request).await;
            answer.map_err(|fault| instant_acme::Error::Other(Box::new(fault)))
        })
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: Request<BodyWrapper<Bytes>>,
) -> Result<BytesResponse, Fault> {
    let (parts, body) = request.into_parts();
    let method = parts.method;
    let body = body.collect().await;
    let body = body
        .map_err(|error| Fault::Nonsense(error.to_string()))?
        .to_bytes();
    let mut headers = parts.headers;
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("holdfast/", env!("CARGO_PKG_VERSION"))),
    );
    // RFC 8555, section 6.1: so that its words are in the language of ours.
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
    let mut request = client
        .request(method.clone(), parts.uri.to_string())
        .headers(headers);
    if !body.is_empty() {
        request = request.body(body);
    }
    let mut answer = request.send().await.map_err(network)?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(network)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            let words = format!("an answer of more than {MAX_ANSWER} bytes");
            return Err(Fault::Nonsense(words));
        }
        body.extend_from_slice(&chunk);
    }
    judge(status, &headers, &body)?;
    if method == Method::GET && status.is_success() {
        check_directory(&body)?;
    }
    temper(&mut headers, &method);
    let mut answer = http::Response::new(());
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(BytesResponse {
        parts: answer.into_parts().0,
        body: Box::new(Bytes::from(body)),
    })
}

/// Whether it is an answer that the library can make something of.
fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<(), Fault> {
    if status.is_success() {
        return Ok(());
    }
    if status.is_redirection() {
        let place = headers.get(LOCATION).and_then(|place| place.to_str().ok());
        return Err(Fault::Elsewhere(place.unwrap_or("nowhere").to_owned()));
    }
    let (after, code) = (retry::after(headers), status.as_u16());
    let problem: Option<Problem> = serde_json::from_slice(body).ok();
    match problem {
        // The library asks again by itself, with the nonce that came along.
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
            Err(Fault::Problem {
                problem,
                status: code,
                after,
            })
        }
        _ => Err(Fault::Status {
            status: code,
            after,
            text: text::plain(&String::from_utf8_lossy(body), 200),
        }),
    }
}

/// What a directory names (RFC 8555, section 9.7.5, and RFC 9773, section 5), as far as it is asked.
const PLACES: [&str; 5] = [
    "newNonce",
    "newAccount",
    "newOrder",
    "revokeCert",
    "renewalInfo",
];

/// That a directory's addresses are addresses: the library takes that for granted.
fn check_directory(body: &[u8]) -> Result<(), Fault> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(body) else {
        return Ok(());
    };
    if !fields.contains_key("newNonce") {
        return Ok(());
    }
    for name in PLACES {
        let Some(text) = fields.get(name).and_then(serde_json::Value::as_str) else {
            continue;
        };
        let is_address = text
            .parse::<http::Uri>()
            .is_ok_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
        if !is_address {
            let words = format!("the directory's {name} is no https address");
            return Err(Fault::Nonsense(words));
        }
    }
    Ok(())
}

/// Says how long to wait in the one way that the library cannot misunderstand.
fn temper(headers: &mut HeaderMap, method: &Method) {
    let wait = match retry::after(headers) {
        Some(wait) => wait.min(LONGEST_WAIT),
        // Only what is asked for without a signature has to say it, and not every authority does.
        None if method == Method::GET => ASK_AGAIN,
        None => {
            headers.remove(RETRY_AFTER);
            return;
        }
    };
    headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
}

fn network(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    let found = cause::<rustls::Error>(&error);
    match found {
        Some(found @ rustls::Error::InvalidCertificate(_)) => Fault::Untrusted(found.to_string()),
        _ if error.is_timeout() => {
            Fault::Network(format!("no answer within {} seconds", WHOLE.as_secs()))
        }
        _ => Fault::Network(words(&error)),
    }
}

/// An error with what it comes from, the innermost last.
fn words(error: &(dyn StdError + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let text = inner.to_string();
        // Many errors say again what their cause says.
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        source = inner.source();
    }
    words
}

/// What an error comes from, if something of the kind is among it. An error of I/O keeps what it
/// wraps apart from its source.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
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
    fn waits_are_told_in_seconds_and_within_bounds() {
        let told = |text: Option<&str>, method: Method| {
            let mut headers = HeaderMap::new();
            if let Some(text) = text {
                headers.insert(RETRY_AFTER, text.parse().unwrap());
            }
            temper(&mut headers, &method);
            headers
                .get(RETRY_AFTER)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(told(Some("5"), Method::POST).unwrap(), "5");
        assert_eq!(
            told(Some("18446744073709551615"), Method::POST).unwrap(),
            "86400"
        );
        assert_eq!(told(Some("soon"), Method::POST), None);
        assert_eq!(told(None, Method::POST), None);
        assert_eq!(told(Some("soon"), Method::GET).unwrap(), "21600");
    }

    #[test]
    fn a_directory_has_addresses() {
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
