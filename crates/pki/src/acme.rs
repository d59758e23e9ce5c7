//! ACME client (RFC 8555): accounts, orders, renewal information (RFC 9773) and revocation.
//!
//! Every call ends: a request takes at most 30 seconds, and polling for validation and issuance
//! stops at the order's timeout. The client retries only requests with a refused nonce; errors say
//! when the caller may retry.

mod error;
mod http;
mod issue;
mod problem;
mod retry;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use instant_acme::{
    CertificateIdentifier, ExternalAccountKey, Key, NewAccount, RenewalInfo, RevocationRequest,
};
use model::{
    Timestamp,
    authorities::{DirectoryUrl, Email, PemCertificates},
    certificates::CertificateName,
    providers::{AccountName, AccountSecret},
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde::{Deserialize, Serialize};

pub use error::{AcmeError, RefusalKind};
pub use issue::IssuedCertificate;

use self::{http::Http, retry::retry_bad_nonce};
use crate::{
    leaf::{self, RenewalId},
    text,
};

/// The directory of a certificate authority (RFC 8555, section 7.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// The directory URL.
    pub url: DirectoryUrl,
    /// Root certificates that the directory's TLS certificate is verified with; `None` uses the
    /// roots that this host trusts.
    pub roots: Option<PemCertificates>,
}

/// Runs before each request and decides by completing that the request may be sent.
pub type RequestGuard = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// External account binding: an existing account with the CA that the new ACME account is bound to
/// (RFC 8555, section 7.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalAccountBinding {
    /// The key identifier.
    pub id: AccountName,
    /// The HMAC key, in base64url; ordinary base64 is accepted as well.
    pub key: AccountSecret,
}

/// The stored URL and private key of an account: a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(String);

impl Credentials {
    /// The secret in plain text, for storage.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// The text is validated when an account is opened with it.
impl From<String> for Credentials {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// The JSON inside [`Credentials`].
#[derive(Serialize, Deserialize)]
struct StoredCredentials {
    /// The account URL.
    url: String,
    /// The directory that the account belongs to.
    directory: DirectoryUrl,
    /// The account key (ECDSA P-256, PKCS#8), in base64url.
    key: String,
}

/// A certificate order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The DNS names of the certificate; at least one.
    pub names: Vec<CertificateName>,
    /// The challenge type that validates the names.
    pub challenge_type: ChallengeType,
    /// The chain of the certificate that the new one replaces, in PEM. It is omitted when the CA
    /// does not support the `replaces` field.
    pub replaces: Option<String>,
    /// How long to wait for validation, and again for issuance.
    pub timeout: Duration,
}

/// The challenge type that validates a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeType {
    /// A response on port 80 (HTTP-01, RFC 8555, section 8.3). Not available for wildcard names.
    Http01,
    /// A TXT record (DNS-01, RFC 8555, section 8.4).
    Dns01,
}

/// A challenge response that the CA looks up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// The body of `http://NAME/.well-known/acme-challenge/TOKEN`.
    Http {
        /// The host.
        name: CertificateName,
        /// Letters, digits, hyphens and underscores; safe in a path and as a file name.
        token: String,
        /// The key authorization: the characters of the token and a dot.
        key_authorization: String,
    },
    /// A TXT record, in addition to existing ones of the same name.
    Dns {
        /// The record name, such as `_acme-challenge.example.org`, without a trailing dot.
        name: String,
        /// The record value.
        value: String,
    },
}

/// Publishes challenge responses where the CA looks them up.
#[async_trait]
pub trait Solver: Send + Sync {
    /// Publishes the responses, and returns when the CA can see them.
    ///
    /// # Errors
    /// A message for users that says why the responses could not be published.
    async fn publish(&self, challenges: &[Challenge]) -> Result<(), String>;

    /// Removes the responses that exist. Called after every [`Solver::publish`], also a failed one;
    /// a caller that drops the future of [`Account::issue`] has to call it.
    async fn cleanup(&self, challenges: &[Challenge]);
}

/// The suggested renewal window of a certificate (RFC 9773, section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewalWindow {
    /// Start of the window.
    pub start: Timestamp,
    /// End of the window; later than the start.
    pub end: Timestamp,
    /// When to fetch the window again: after one minute to one day.
    pub retry_after: Duration,
    /// URL of a page that explains the window.
    pub explanation: Option<String>,
}

/// An ACME account. Cheap to clone.
#[derive(Clone)]
pub struct Account {
    acme: instant_acme::Account,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Account").field(&self.url()).finish()
    }
}

impl Account {
    /// Creates an account with a new key (ECDSA P-256) and agrees to the CA's terms of service.
    /// `guard` runs before each request of the account.
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn create(
        directory: &Directory,
        email: Option<&Email>,
        binding: Option<&ExternalAccountBinding>,
        guard: Option<RequestGuard>,
    ) -> Result<(Self, Credentials), AcmeError> {
        let http = Http::new(directory.roots.as_ref(), guard)?;
        let binding = binding.map(decode_external_key).transpose()?;
        let contact = email.map(|email| format!("mailto:{email}"));
        let contact: Vec<&str> = contact.as_deref().into_iter().collect();
        let new_account = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let url = directory.url.as_str();
        // A refused nonce creates no account, so the next attempt may use another key.
        let (acme, credentials) = retry_bad_nonce!({
            let builder = instant_acme::Account::builder_with_http(Box::new(http.clone()));
            builder
                .create(&new_account, url.to_owned(), binding.as_ref())
                .await
        })
        .map_err(|error| account_error(error, binding.is_some()))?;
        let stored = StoredCredentials {
            url: acme.id().to_owned(),
            directory: directory.url.clone(),
            key: BASE64_URL_SAFE_NO_PAD.encode(credentials.private_key().secret_pkcs8_der()),
        };
        let stored =
            serde_json::to_string(&stored).map_err(|e| error::invalid_response(&e.to_string()))?;
        Ok((Self { acme }, Credentials(stored)))
    }

    /// Opens an existing account without a request that checks it; an unknown account fails on
    /// first use. `guard` runs before each request of the account.
    ///
    /// # Errors
    /// [`AcmeError::AccountGone`] when the credentials are malformed or of another directory;
    /// otherwise see [`AcmeError`].
    pub async fn open(
        directory: &Directory,
        credentials: &Credentials,
        guard: Option<RequestGuard>,
    ) -> Result<Self, AcmeError> {
        let stored: StoredCredentials =
            serde_json::from_str(credentials.reveal()).map_err(|_| AcmeError::AccountGone)?;
        let key = BASE64_URL_SAFE_NO_PAD.decode(&stored.key);
        let key = key.map_err(|_| AcmeError::AccountGone)?;
        let is_key = Key::from_pkcs8_der(PrivatePkcs8KeyDer::from(key.as_slice())).is_ok();
        if stored.directory != directory.url || !is_key {
            return Err(AcmeError::AccountGone);
        }
        let http = Http::new(directory.roots.as_ref(), guard)?;
        let acme = instant_acme::Account::builder_with_http(Box::new(http))
            .from_parts(
                stored.url,
                PrivatePkcs8KeyDer::from(key.as_slice()),
                directory.url.to_string(),
            )
            .await
            .map_err(|error| error::from_acme(error, None))?;
        Ok(Self { acme })
    }

    /// The account URL.
    pub fn url(&self) -> &str {
        self.acme.id()
    }

    /// Fetches the suggested renewal window. `None` when the CA does not offer renewal information.
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn renewal_info(&self, chain_pem: &str) -> Result<Option<RenewalWindow>, AcmeError> {
        let leaf = leaf::read(chain_pem).map_err(|error| error::refused(error.to_string()))?;
        let Some(id) = leaf.renewal else {
            return Ok(None);
        };
        match self.acme.renewal_info(&certificate_identifier(&id)).await {
            Ok((info, look_after)) => parse_window(info, look_after).map(Some),
            Err(instant_acme::Error::Unsupported(_)) => Ok(None),
            Err(error) => Err(error::from_acme(error, None)),
        }
    }

    /// Revokes a certificate. A certificate that is already revoked is no error.
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn revoke(&self, chain_pem: &str) -> Result<(), AcmeError> {
        let chain = text::parse_certificates(chain_pem);
        let chain = chain.map_err(|message| error::refused(message.to_owned()))?;
        let Some(certificate) = chain.first() else {
            return Ok(());
        };
        let request = RevocationRequest {
            certificate,
            reason: None,
        };
        match retry_bad_nonce!(self.acme.revoke(&request).await) {
            Ok(()) => Ok(()),
            Err(error) if problem::is_type(&error, "alreadyRevoked") => Ok(()),
            Err(error) => Err(error::from_acme(error, None)),
        }
    }
}

fn certificate_identifier(id: &RenewalId) -> CertificateIdentifier<'_> {
    CertificateIdentifier {
        authority_key_identifier: id.authority.as_str().into(),
        serial: id.serial.as_str().into(),
    }
}

/// Decodes the HMAC key. CAs display it in base64url; some tools add padding or write ordinary
/// base64.
fn decode_external_key(binding: &ExternalAccountBinding) -> Result<ExternalAccountKey, AcmeError> {
    let text = binding.key.reveal().trim_end_matches('=');
    let key = BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .or_else(|_| BASE64_STANDARD_NO_PAD.decode(text))
        .ok()
        .filter(|key| !key.is_empty())
        .ok_or_else(|| AcmeError::Refused {
            kind: RefusalKind::ExternalAccount,
            message: "The HMAC key of the external account is not base64url. Copy the key again \
                from the CA's website."
                .to_owned(),
            detail: None,
        })?;
    Ok(ExternalAccountKey::new(binding.id.to_string(), &key))
}

/// The error of a failed account creation. RFC 8555 has no error type for an unknown external
/// account.
fn account_error(error: instant_acme::Error, is_bound: bool) -> AcmeError {
    match error::from_acme(error, None) {
        AcmeError::Refused {
            kind: RefusalKind::Account | RefusalKind::Request,
            detail,
            ..
        } if is_bound => AcmeError::Refused {
            kind: RefusalKind::ExternalAccount,
            message: "The CA rejected the external account. Check the key ID and the HMAC key."
                .to_owned(),
            detail,
        },
        other => other,
    }
}

fn parse_window(info: RenewalInfo, look_after: Duration) -> Result<RenewalWindow, AcmeError> {
    let timestamp = |time: time::OffsetDateTime| {
        i64::try_from(time.unix_timestamp_nanos() / 1_000_000).map(Timestamp)
    };
    let suggested = info.suggested_window;
    let (Ok(start), Ok(end)) = (timestamp(suggested.start), timestamp(suggested.end)) else {
        return Err(error::invalid_response(
            "a renewal window that is out of range",
        ));
    };
    if end <= start {
        return Err(error::invalid_response(
            "a renewal window that ends before it starts",
        ));
    }
    Ok(RenewalWindow {
        start,
        end,
        // Limits of RFC 9773, section 4.3.2. `Retry-After` has whole seconds; the library subtracts
        // the time between two clock reads, so the value is rounded.
        retry_after: Duration::from_secs(
            look_after.as_secs_f64().round().clamp(60.0, 86_400.0) as u64
        ),
        explanation: info
            .explanation_url
            .filter(|url| url.starts_with("https://") && url.len() <= 1000)
            .map(|url| text::sanitize(&url, 1000)),
    })
}
