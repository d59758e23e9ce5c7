//! HTTP client for the manager's agent API. The agent always opens the connection. It uses HTTPS
//! with a manager that is identified by the fingerprint of its join token or by the CAs that the
//! host trusts. Plain HTTP is allowed on the loopback interface only, where the agent's key cannot
//! be intercepted.

use std::{sync::Arc, time::Duration};

use agent_protocol::{
    CertificateWithKey, CertificatesRequest, CertificatesResponse, HostDescription, JoinRequest,
    JoinResponse, LeasesReport, LiveFilesUpdate, PollRequest, PollResponse, Report, endpoints,
};
use model::{fingerprint::Fingerprint, hosts::JoinToken, origin::Origin};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use rustls::client::danger::ServerCertVerifier;
use serde::Deserialize;

/// The timeout of a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout of a response. The manager holds a poll for up to 25 s while nothing changed.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(45);
/// The maximum size of a response, in bytes: about 20,000 services.
const MAX_RESPONSE_SIZE: usize = 64 * 1024 * 1024;

/// Why a request to the manager failed.
#[derive(Debug, thiserror::Error)]
pub enum ManagerHttpError {
    /// The URL is neither HTTPS nor a loopback address.
    #[error("{0} does not use TLS. Without TLS, the agent's key could be intercepted.")]
    NotEncrypted(Origin),
    /// TLS could not be set up.
    #[error("TLS could not be initialized: {0}")]
    Tls(String),
    /// The manager is unreachable, or has another certificate than expected.
    #[error("The manager is unreachable: {0}")]
    Unreachable(String),
    /// The join token or the key is invalid (401).
    #[error(
        "The manager does not accept this agent's key or join token. Join again with a new token."
    )]
    Unauthorized,
    /// The manager refused the request.
    #[error("The manager responded with status {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The manager's message.
        message: String,
    },
    /// The response could not be parsed.
    #[error("The manager's response could not be parsed: {0}")]
    Unreadable(String),
}

/// A client for one manager.
#[derive(Clone, Debug)]
pub struct ManagerHttp {
    http: Client,
    manager: Origin,
}

impl ManagerHttp {
    /// Creates a client for a manager that is identified by its certificate, or by the CAs that
    /// this host trusts.
    ///
    /// # Errors
    /// [`ManagerHttpError::NotEncrypted`] if the URL is neither HTTPS nor a loopback address.
    pub fn new(
        manager: Origin,
        fingerprint: Option<&Fingerprint>,
    ) -> Result<Self, ManagerHttpError> {
        let builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(RESPONSE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            // Ignore proxy settings of the environment: the manager is in the host's own network.
            .no_proxy();
        let tls_error = |cause: &dyn std::fmt::Display| ManagerHttpError::Tls(cause.to_string());
        let builder = match (manager.is_tls(), fingerprint) {
            (true, Some(fingerprint)) => {
                let expected = fingerprint.as_str().parse().map_err(|e| tls_error(&e))?;
                let config = match system_verifier() {
                    // The manager may have a new certificate for the same name from a trusted CA by
                    // now.
                    Ok(trusted) => pinned::client_config_with_fallback(expected, trusted),
                    Err(error) => {
                        tracing::info!(%error, "system CAs unavailable, pinned certificate only");
                        pinned::client_config(Some(expected))
                    }
                };
                builder.tls_backend_preconfigured(config.map_err(|e| tls_error(&e))?)
            }
            (true, None) => builder,
            (false, _) if manager.is_loopback() => builder,
            (false, _) => return Err(ManagerHttpError::NotEncrypted(manager)),
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = builder.build().map_err(|e| tls_error(&e))?;
        Ok(Self { http, manager })
    }

    /// Joins with a join token. Returns the agent's key.
    ///
    /// # Errors
    /// [`ManagerHttpError::Unauthorized`] if the join token is invalid, and any error of a request.
    pub async fn join(
        token: &JoinToken,
        description: HostDescription,
    ) -> Result<String, ManagerHttpError> {
        let this = Self::new(token.manager.clone(), token.fingerprint.as_ref())?;
        let request = JoinRequest {
            token: token.secret.clone(),
            description,
        };
        let request_builder = this.http.post(this.address(endpoints::JOIN)).json(&request);
        let response: JoinResponse = read(send(request_builder).await?).await?;
        Ok(response.key)
    }

    /// Returns the configuration as soon as its generation differs from the one in the request;
    /// none if nothing changed for a while.
    ///
    /// # Errors
    /// [`ManagerHttpError::Unauthorized`] if the key is invalid, and any error of a request.
    pub async fn poll(
        &self,
        key: &str,
        request: &PollRequest,
    ) -> Result<Option<PollResponse>, ManagerHttpError> {
        let request_builder = self
            .http
            .post(self.address(endpoints::POLL))
            .bearer_auth(key);
        let response = send(request_builder.json(request)).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        read(response).await.map(Some)
    }

    /// Sends a report.
    ///
    /// # Errors
    /// The same as [`ManagerHttp::poll`].
    pub async fn send_report(&self, key: &str, report: &Report) -> Result<(), ManagerHttpError> {
        let request = self
            .http
            .post(self.address(endpoints::REPORT))
            .bearer_auth(key);
        send(request.json(report)).await.map(drop)
    }

    /// Sends live files.
    ///
    /// # Errors
    /// The same as [`ManagerHttp::poll`].
    pub async fn send_live_files(
        &self,
        key: &str,
        files: &LiveFilesUpdate,
    ) -> Result<(), ManagerHttpError> {
        let request = self
            .http
            .post(self.address(endpoints::FILES))
            .bearer_auth(key);
        send(request.json(files)).await.map(drop)
    }

    /// Sends the DHCP leases.
    ///
    /// # Errors
    /// The same as [`ManagerHttp::poll`].
    pub async fn send_leases(
        &self,
        key: &str,
        leases: &LeasesReport,
    ) -> Result<(), ManagerHttpError> {
        let request = self
            .http
            .post(self.address(endpoints::LEASES))
            .bearer_auth(key);
        send(request.json(leases)).await.map(drop)
    }

    /// Fetches certificates with their keys.
    ///
    /// # Errors
    /// The same as [`ManagerHttp::poll`].
    pub async fn fetch_certificates(
        &self,
        key: &str,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<CertificateWithKey>, ManagerHttpError> {
        let request = CertificatesRequest {
            fingerprints: fingerprints.to_vec(),
        };
        let request_builder = self.http.post(self.address(endpoints::CERTIFICATES));
        let request_builder = request_builder.bearer_auth(key).json(&request);
        let response: CertificatesResponse = read(send(request_builder).await?).await?;
        Ok(response.certificates)
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.manager)
    }
}

/// A verifier that uses the CAs that this host trusts.
fn system_verifier() -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(Arc::new(rustls_platform_verifier::Verifier::new(provider)?))
}

/// Sends a request and maps error statuses to [`ManagerHttpError`].
async fn send(request: RequestBuilder) -> Result<Response, ManagerHttpError> {
    let response = request
        .send()
        .await
        .map_err(|error| unreachable_error(&error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(ManagerHttpError::Unauthorized);
    }
    #[derive(Deserialize)]
    struct ErrorBody {
        error: String,
    }
    let body = read::<ErrorBody>(response).await;
    Err(ManagerHttpError::Refused {
        status: status.as_u16(),
        message: body.map_or_else(|_| "unreadable response".to_owned(), |body| body.error),
    })
}

async fn read<T: serde::de::DeserializeOwned>(
    mut response: Response,
) -> Result<T, ManagerHttpError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable_error(&error))?
    {
        if bytes.len() + chunk.len() > MAX_RESPONSE_SIZE {
            return Err(ManagerHttpError::Unreadable(
                "the response is too large".to_owned(),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).map_err(|error| ManagerHttpError::Unreadable(error.to_string()))
}

/// Includes the whole chain of causes: the first one is rarely specific.
fn unreachable_error(error: &reqwest::Error) -> ManagerHttpError {
    let mut messages = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        messages.push(error.to_string());
        cause = error.source();
    }
    messages.dedup();
    ManagerHttpError::Unreachable(messages.join(": "))
}
