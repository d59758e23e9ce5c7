//! One call over HTTP: where it goes, how long it may take, how much may come back, and what is
//! tried a second time. It knows nothing of what the calls mean.

use std::{error::Error as StdError, io, time::Duration};

use hyper::ext::ReasonPhrase;
use reqwest::{Method, Response, Url, header::CONTENT_LENGTH};
use serde::de::DeserializeOwned;

use crate::{
    Client,
    answer::{Answer, Data},
    error::Error,
    params::{Params, unsendable},
};

/// More than any answer needs: a cluster with ten thousand guests lists them in 5 MiB.
const MAX_ANSWER: usize = 16 << 20;

/// A call that is about to be made.
pub(crate) struct Call {
    method: Method,
    path: Vec<String>,
    params: Params,
    slow: bool,
}

impl Call {
    fn new(method: Method, path: &[&str]) -> Self {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        Self {
            method,
            path,
            params: Params::default(),
            slow: false,
        }
    }

    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn put(path: &[&str]) -> Self {
        Self::new(Method::PUT, path)
    }

    pub(crate) fn delete(path: &[&str]) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// The parameters: in the query for GET and DELETE, else as a form.
    pub(crate) fn params(mut self, params: Params) -> Self {
        self.params = params;
        self
    }

    /// Gives it the longer of the two times.
    pub(crate) fn slow(mut self) -> Self {
        self.slow = true;
        self
    }
}

impl Client {
    /// Makes a call and reads what it carries.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        Ok(self.call_page(call).await?.data)
    }

    /// Makes a call and reads what it carries, with the total of a paged answer.
    pub(crate) async fn call_page<T: DeserializeOwned>(
        &self,
        call: Call,
    ) -> Result<Data<T>, Error> {
        let timeouts = self.inner.timeouts;
        let limit = if call.slow {
            timeouts.slow
        } else {
            timeouts.answer
        };
        let url = url(&self.inner.base, &call.path)?;
        let answer = match self.attempt(&call, url.clone(), limit).await {
            Err(failure) if call.method == Method::GET && failure.again => {
                tracing::debug!(path = url.path(), error = ?failure.error, "asking Proxmox again");
                self.attempt(&call, url, limit).await
            }
            first => first,
        };
        answer.map_err(|failure| failure.error)?.read()
    }

    async fn attempt(&self, call: &Call, url: Url, limit: Duration) -> Result<Answer, Failure> {
        let mut request = self
            .inner
            .http
            .request(call.method.clone(), url)
            .timeout(limit);
        if matches!(call.method, Method::POST | Method::PUT) {
            // A form of known length: Proxmox refuses chunked bodies.
            request = request.form(call.params.pairs());
            if call.params.is_empty() {
                // Hyper leaves the length out where nothing follows.
                request = request.header(CONTENT_LENGTH, 0);
            }
        } else if !call.params.is_empty() {
            request = request.query(call.params.pairs());
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.failure(error, limit))?;
        let status = response.status();
        let reason = reason(&response);
        let address = self.inner.address.clone();
        Ok(Answer {
            address,
            status,
            reason,
            body: self.body(response, limit).await?,
        })
    }

    async fn body(&self, mut response: Response, limit: Duration) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failure(error, limit))?
        {
            if body.len() + chunk.len() > MAX_ANSWER {
                let cause = format!("the answer is larger than {MAX_ANSWER} bytes");
                let address = self.inner.address.clone();
                return Err(Failure {
                    error: Error::Protocol { address, cause },
                    again: false,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failure(&self, error: reqwest::Error, limit: Duration) -> Failure {
        let error = error.without_url();
        let address = self.inner.address.clone();
        let sent = !error.is_connect();
        if error.is_timeout() {
            let after = if sent {
                limit
            } else {
                self.inner.timeouts.connect.min(limit)
            };
            return Failure {
                error: Error::Timeout {
                    address,
                    after,
                    sent,
                },
                again: !sent,
            };
        }
        let cause = chain(&error);
        if has_tls_cause(&error) {
            return Failure {
                error: Error::Tls { address, cause },
                again: false,
            };
        }
        Failure {
            error: Error::Unreachable {
                address,
                cause,
                sent,
            },
            again: true,
        }
    }
}

/// Why an attempt gave no answer, and whether a reading call should be tried again.
struct Failure {
    error: Error,
    again: bool,
}

/// The address of a path below the base, each part encoded, so that none can become two.
fn url(base: &Url, path: &[String]) -> Result<Url, Error> {
    let mut url = base.clone();
    for part in path {
        if matches!(part.as_str(), "" | "." | "..") || part.contains(char::is_control) {
            return Err(unsendable(
                "path",
                "a part of it is empty, . or .., or holds a control character",
            ));
        }
    }
    match url.path_segments_mut() {
        Ok(mut segments) => segments.extend(path),
        Err(()) => return Err(unsendable("url", "it has no path")),
    };
    Ok(url)
}

/// The words of the status line. Hyper keeps them only where they are not the usual ones.
fn reason(response: &Response) -> String {
    let usual = || {
        response
            .status()
            .canonical_reason()
            .unwrap_or_default()
            .to_owned()
    };
    let special = response.extensions().get::<ReasonPhrase>();
    special.map_or_else(usual, |phrase| {
        String::from_utf8_lossy(phrase.as_bytes()).into_owned()
    })
}

/// An error and all that caused it, in one line.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
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

fn has_tls_cause(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An I/O error passes over the error that it wraps when asked for its source.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if wrapped.is_some_and(|wrapped| has_tls_cause(wrapped)) {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(parts: &[&str]) -> Result<String, Error> {
        let base = "https://pve1:8006/api2/json".parse().unwrap();
        let parts: Vec<_> = parts.iter().map(|part| (*part).to_owned()).collect();
        url(&base, &parts).map(|url| url.path().to_owned())
    }

    #[test]
    fn a_part_of_a_path_stays_one_part() {
        assert_eq!(
            path(&["nodes", "pve1", "lxc"]).unwrap(),
            "/api2/json/nodes/pve1/lxc"
        );
        assert_eq!(
            path(&["content", "local:vztmpl/a b%2F?.tar"]).unwrap(),
            "/api2/json/content/local:vztmpl%2Fa%20b%252F%3F.tar"
        );
        for part in ["", ".", "..", "a\nb", "a\0"] {
            assert!(path(&["nodes", part]).is_err(), "{part:?}");
        }
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_told_from_a_broken_line() {
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let inner = io::Error::new(io::ErrorKind::InvalidData, refused);
        assert!(has_tls_cause(&io::Error::other(inner)));
        assert!(!has_tls_cause(&io::Error::from(
            io::ErrorKind::ConnectionReset
        )));
    }
}
