//! The agent's way to its manager. It asks and is answered; nobody asks it. It speaks HTTPS, with a
//! manager that is known by the fingerprint of its invitation or by authorities that the host trusts; without TLS on this
//! host's own loopback only, where the key cannot be read on the way.

use std::{sync::Arc, time::Duration};

use edge::{
    Layout,
    link::{self, Asking, Given, Joined, Joining, Leases, Live, Pair, Pairs, Wanted},
};
use model::{
    agents::{About, JoinCode, Report},
    clusters::Fingerprint,
    domains::Origin,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use rustls::client::danger::ServerCertVerifier;
use serde::Deserialize;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take. A question is held for up to 25 s while there is nothing new.
const ANSWER: Duration = Duration::from_secs(45);
/// The most that an answer may bring, in bytes: some 20,000 services.
const LARGEST: usize = 64 * 1024 * 1024;

/// Why the manager was not reached, or what it said.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It would have to be spoken to without TLS on a network.
    #[error("{0} is not reached through TLS. Without it the key could be read on the way.")]
    Plain(Origin),
    /// TLS cannot be used as it should.
    #[error("TLS cannot be used: {0}")]
    Tls(String),
    /// It is not reached, or not the one that it was.
    #[error("The manager is not reached: {0}")]
    Away(String),
    /// The word or the key is good no more.
    #[error("The manager does not know this agent (any more). Have it join again.")]
    Unknown,
    /// It does not take what it was told.
    #[error("The manager answered {status}: {words}")]
    Refused {
        /// The status.
        status: u16,
        /// Its words.
        words: String,
    },
    /// What it said could not be read.
    #[error("The manager's answer could not be read: {0}")]
    Unreadable(String),
}

/// The way to one manager.
#[derive(Clone, Debug)]
pub struct Link {
    http: Client,
    manager: Origin,
}

impl Link {
    /// The way to a manager that is known by its certificate, or by this host's authorities.
    ///
    /// # Errors
    /// [`LinkError::Plain`] without TLS on a network.
    pub fn new(manager: Origin, fingerprint: Option<&Fingerprint>) -> Result<Self, LinkError> {
        let builder = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy of the environment is for other things than a host's own network.
            .no_proxy();
        let told = |cause: &dyn std::fmt::Display| LinkError::Tls(cause.to_string());
        let builder = match (manager.is_tls(), fingerprint) {
            (true, Some(fingerprint)) => {
                let expected = fingerprint.as_str().parse().map_err(|e| told(&e))?;
                let config = match trusted() {
                    // The manager may have another certificate by now, for the same name.
                    Ok(trusted) => pinned::config_or(expected, trusted),
                    Err(error) => {
                        tracing::info!(%error, "this host's authorities vouch for nobody");
                        pinned::config(Some(expected))
                    }
                };
                builder.tls_backend_preconfigured(config.map_err(|e| told(&e))?)
            }
            (true, None) => builder,
            (false, _) if manager.is_loopback() => builder,
            (false, _) => return Err(LinkError::Plain(manager)),
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = builder.build().map_err(|e| told(&e))?;
        Ok(Self { http, manager })
    }

    /// Joins by an invitation; the key from then on.
    ///
    /// # Errors
    /// [`LinkError::Unknown`] when the word is no good, and as for any question.
    pub async fn join(code: &JoinCode, about: About, layout: Layout) -> Result<String, LinkError> {
        let way = Self::new(code.manager.clone(), code.fingerprint.as_ref())?;
        let joining = Joining {
            word: code.word.clone(),
            about,
            layout,
        };
        let asked = way.http.post(way.address(link::JOIN)).json(&joining);
        let joined: Joined = read(sent(asked).await?).await?;
        Ok(joined.key)
    }

    /// What to serve, as soon as it is another generation than `asking` has; none when nothing
    /// changed for a while.
    ///
    /// # Errors
    /// [`LinkError::Unknown`] when the key is no good, and as for any question.
    pub async fn next(&self, key: &str, asking: &Asking) -> Result<Option<Given>, LinkError> {
        let asked = self.http.post(self.address(link::NEXT)).bearer_auth(key);
        let response = sent(asked.json(asking)).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        read(response).await.map(Some)
    }

    /// Says what became of what was given.
    ///
    /// # Errors
    /// As for [`Link::next`].
    pub async fn report(&self, key: &str, report: &Report) -> Result<(), LinkError> {
        let said = self.http.post(self.address(link::REPORT)).bearer_auth(key);
        sent(said.json(report)).await.map(drop)
    }

    /// Says which files are live.
    ///
    /// # Errors
    /// As for [`Link::next`].
    pub async fn live(&self, key: &str, told: &Live) -> Result<(), LinkError> {
        let said = self.http.post(self.address(link::LIVE)).bearer_auth(key);
        sent(said.json(told)).await.map(drop)
    }

    /// Says which addresses are lent.
    ///
    /// # Errors
    /// As for [`Link::next`].
    pub async fn leases(&self, key: &str, leases: &Leases) -> Result<(), LinkError> {
        let said = self.http.post(self.address(link::LEASES)).bearer_auth(key);
        sent(said.json(leases)).await.map(drop)
    }

    /// Those of these certificates that there are, with their keys.
    ///
    /// # Errors
    /// As for [`Link::next`].
    pub async fn certificates(
        &self,
        key: &str,
        certificates: &[Fingerprint],
    ) -> Result<Vec<Pair>, LinkError> {
        let wanted = Wanted {
            certificates: certificates.to_vec(),
        };
        let asked = self.http.post(self.address(link::CERTIFICATES));
        let asked = asked.bearer_auth(key).json(&wanted);
        let Pairs { pairs } = read(sent(asked).await?).await?;
        Ok(pairs)
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.manager)
    }
}

/// What the authorities that this host trusts vouch for.
fn trusted() -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(Arc::new(rustls_platform_verifier::Verifier::new(provider)?))
}

/// The answer, when it is a good one.
async fn sent(request: RequestBuilder) -> Result<Response, LinkError> {
    let response = request.send().await.map_err(|error| away(&error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(LinkError::Unknown);
    }
    #[derive(Deserialize)]
    struct Said {
        error: String,
    }
    let said = read::<Said>(response).await.map(|said| said.error);
    Err(LinkError::Refused {
        status: status.as_u16(),
        words: said.unwrap_or_else(|_| "no words that could be read".to_owned()),
    })
}

async fn read<T: serde::de::DeserializeOwned>(mut response: Response) -> Result<T, LinkError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| away(&error))? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err(LinkError::Unreadable("it is too large".to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).map_err(|error| LinkError::Unreadable(error.to_string()))
}

/// The whole chain of causes: the first of them rarely says what to do.
fn away(error: &reqwest::Error) -> LinkError {
    let mut words = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    words.dedup();
    LinkError::Away(words.join(": "))
}
