//! Sends one API call over HTTP: URL, timeout, size limit, retries and failover. Does not know the
//! meaning of calls.

use std::time::Duration;

use hyper::ext::ReasonPhrase;
use reqwest::{Method, RequestBuilder, Response, Url, header::CONTENT_LENGTH};
use serde::de::DeserializeOwned;

use crate::{
    Client,
    endpoints::Target,
    error::Error,
    error_chain::error_chain,
    params::{Params, unsendable},
    response::{ApiResponse, ResponseData},
    ticket::Auth,
    tls::tls_error,
};

/// Larger than any expected response: a cluster with ten thousand guests lists them in 5 MiB.
const MAX_RESPONSE: usize = 16 << 20;

/// Whether a call can be repeated safely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Read-only.
    Read,
    /// Makes a change: must not be repeated if it may have been received.
    Write,
}

/// A call to make.
pub(crate) struct Call {
    method: Method,
    path: Vec<String>,
    params: Params,
    slow: bool,
    purpose: Purpose,
}

impl Call {
    fn new(method: Method, path: &[&str]) -> Self {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        let purpose = if method == Method::GET {
            Purpose::Read
        } else {
            Purpose::Write
        };
        Self {
            method,
            path,
            params: Params::default(),
            slow: false,
            purpose,
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

    /// Sets the parameters: in the query for GET and DELETE, otherwise as a form.
    pub(crate) fn params(mut self, params: Params) -> Self {
        self.params = params;
        self
    }

    /// Selects the longer timeout.
    pub(crate) fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    /// Overrides the default of the method: signing in is a POST that changes nothing.
    pub(crate) fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Whether a failed attempt may be followed by one at another endpoint.
    fn may_fail_over(&self, error: &Error) -> bool {
        match error {
            Error::Unreachable { sent, .. } => !sent || self.purpose == Purpose::Read,
            // A slow call may be slow at every endpoint.
            Error::Timeout { sent, .. } => !sent || (self.purpose == Purpose::Read && !self.slow),
            // TLS and protocol errors must not be bypassed by using another endpoint.
            _ => false,
        }
    }
}

impl Client {
    /// Makes a call and returns its data.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        Ok(self.call_page(call).await?.data)
    }

    /// Makes a call and returns its data, with the total of a paged response. A rejected ticket is
    /// replaced once; a rejected call was not executed, so it can be repeated.
    pub(crate) async fn call_page<T: DeserializeOwned>(
        &self,
        call: Call,
    ) -> Result<ResponseData<T>, Error> {
        let auth = self.auth().await?;
        let mut response = self.send(&call, &auth).await?;
        if response.is_unauthorized()
            && let Some(auth) = self.renewed_auth(&auth).await?
        {
            response = self.send(&call, &auth).await?;
        }
        response.read()
    }

    /// Sends a call to the endpoint that succeeded last; to another if that fails or, for a
    /// read-only call, if the response is inconclusive.
    pub(crate) async fn send(&self, call: &Call, auth: &Auth) -> Result<ApiResponse, Error> {
        let endpoints = &self.inner.endpoints;
        let is_single = endpoints.count() == 1;
        let mut may_retry = call.purpose == Purpose::Read;
        // Without a successful endpoint, a response of Proxmox has precedence over a connection
        // error.
        let (mut inconclusive, mut last_error) = (None, None);
        for (index, target) in endpoints.iter_from_current() {
            let mut outcome = self.attempt(target, call, auth).await;
            if let Err(failure) = &outcome
                && may_retry
                && failure.retryable
                && (is_single || failure.error.may_have_executed())
            {
                let (error, cause) = (&failure.error, failure.error.cause());
                tracing::debug!(path = ?call.path, %error, cause, "request failed, retrying");
                may_retry = false;
                outcome = self.attempt(target, call, auth).await;
            }
            match outcome {
                Ok(response)
                    if !is_single
                        && call.purpose == Purpose::Read
                        && response.may_differ_on_other_node() =>
                {
                    inconclusive.get_or_insert(response);
                }
                Ok(response) => {
                    endpoints.set_current(index);
                    return Ok(response);
                }
                Err(failure) if call.may_fail_over(&failure.error) => {
                    last_error = Some(failure.error)
                }
                Err(failure) => return Err(failure.error),
            }
        }
        match (inconclusive, last_error) {
            (Some(response), _) => Ok(response),
            (None, Some(error)) => Err(error),
            (None, None) => Err(unsendable("endpoints", "at least one is required")),
        }
    }

    async fn attempt(
        &self,
        target: &Target,
        call: &Call,
        auth: &Auth,
    ) -> Result<ApiResponse, AttemptError> {
        if let Some(guard) = &self.guard {
            guard(call.purpose).await;
        }
        let timeouts = self.inner.timeouts;
        let limit = if call.slow {
            timeouts.slow
        } else {
            timeouts.response
        };
        let failure = |error| attempt_error(error, &target.address, timeouts.connect, limit);
        let url = url(&target.base, &call.path).map_err(|error| AttemptError {
            error,
            retryable: false,
        })?;
        let request = target.http.request(call.method.clone(), url).timeout(limit);
        let request = fill(auth.sign(request, &call.method), call);
        let mut response = request.send().await.map_err(failure)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > MAX_RESPONSE {
                let cause = format!("the response is larger than {MAX_RESPONSE} bytes");
                let address = target.address.clone();
                return Err(AttemptError {
                    error: Error::Protocol { address, cause },
                    retryable: false,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(ApiResponse {
            address: target.address.clone(),
            status: response.status(),
            reason: reason(&response),
            body,
        })
    }
}

/// Adds the parameters where Proxmox expects them.
fn fill(request: RequestBuilder, call: &Call) -> RequestBuilder {
    if !matches!(call.method, Method::POST | Method::PUT) {
        if call.params.is_empty() {
            return request;
        }
        return request.query(call.params.pairs());
    }
    // A form of known length: Proxmox rejects chunked bodies.
    let request = request.form(call.params.pairs());
    if call.params.is_empty() {
        // Hyper omits the header for an empty body.
        return request.header(CONTENT_LENGTH, 0);
    }
    request
}

fn attempt_error(
    error: reqwest::Error,
    address: &str,
    connect: Duration,
    limit: Duration,
) -> AttemptError {
    let error = error.without_url();
    let sent = !error.is_connect();
    let address = address.to_owned();
    if error.is_timeout() {
        let after = if sent { limit } else { connect.min(limit) };
        let error = Error::Timeout {
            address,
            after,
            sent,
        };
        return AttemptError {
            error,
            retryable: !sent,
        };
    }
    if let Some(error) = tls_error(&error, &address) {
        return AttemptError {
            error,
            retryable: false,
        };
    }
    let cause = error_chain(&error);
    let error = Error::Unreachable {
        address,
        cause,
        sent,
    };
    AttemptError {
        error,
        retryable: true,
    }
}

/// A failed attempt, and whether a read-only call should be retried.
struct AttemptError {
    error: Error,
    retryable: bool,
}

/// The URL of a path below the base. Each segment is encoded, so that none can become two.
fn url(base: &Url, path: &[String]) -> Result<Url, Error> {
    let mut url = base.clone();
    for part in path {
        if matches!(part.as_str(), "" | "." | "..") || part.contains(char::is_control) {
            return Err(unsendable(
                "path",
                "a path segment is empty, . or .., or contains a control character",
            ));
        }
    }
    match url.path_segments_mut() {
        Ok(mut segments) => segments.extend(path),
        Err(()) => return Err(unsendable("url", "the path is missing")),
    };
    Ok(url)
}

/// The reason phrase. Hyper keeps it only if it differs from the canonical one.
fn reason(response: &Response) -> String {
    let canonical = || {
        response
            .status()
            .canonical_reason()
            .unwrap_or_default()
            .to_owned()
    };
    let custom = response.extensions().get::<ReasonPhrase>();
    custom.map_or_else(canonical, |phrase| {
        String::from_utf8_lossy(phrase.as_bytes()).into_owned()
    })
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
    fn path_segments_are_encoded() {
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
}
