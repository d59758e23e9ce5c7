//! Authorities that give certificates by ACME (RFC 8555): an account with one, orders that bring a
//! certificate, when to renew it (RFC 9773), and taking it back.
//!
//! Every call ends by itself: a request takes at most 30 seconds, and waiting for an authority's
//! judgement has the caller's patience. Nothing is tried again but what the protocol asks to repeat,
//! a request whose nonce was refused; when to try again is said by the error.

mod error;
mod http;
mod issue;
mod problem;
mod retry;

use std::{fmt, time::Duration};

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

pub use error::{AcmeError, Refusal};
pub use issue::Given;

use self::{http::Http, retry::again};
use crate::{
    leaf::{self, RenewalId},
    text,
};

/// An authority's directory (RFC 8555, section 7.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it is.
    pub url: DirectoryUrl,
    /// By what its own certificate is known; none means those that this host trusts.
    pub roots: Option<PemCertificates>,
}

/// An account that somebody has with an authority by other means, to which ours is bound (RFC 8555,
/// section 7.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The key's id.
    pub id: AccountName,
    /// The key, in base64url; ordinary base64 is understood as well.
    pub key: AccountSecret,
}

/// What it takes to be an account again: a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(String);

impl Credentials {
    /// The secret, to be kept.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Of a secret that was kept. Whether it is one shows when an account is opened with it.
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

/// What [`Credentials`] hold, as JSON.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The account's address at the authority.
    url: String,
    /// The directory that it belongs to.
    directory: DirectoryUrl,
    /// Its key (ECDSA P-256, PKCS#8), in base64url.
    key: String,
}

/// What is asked of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The names that the certificate is to be for; at least one.
    pub names: Vec<CertificateName>,
    /// How they are proved to be ours.
    pub proof: Proof,
    /// The chain of the certificate that it comes in place of, in PEM. Where the authority does not
    /// want to know, it is not told.
    pub replaces: Option<String>,
    /// How long the authority may take to look at the proofs, and again to sign.
    pub patience: Duration,
}

/// How a name is proved to be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By an answer on port 80 (HTTP-01, RFC 8555, section 8.3). Not for names with a star.
    Http,
    /// By a record of DNS (DNS-01, RFC 8555, section 8.4).
    Dns,
}

/// What has to be found where an authority looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// `http://NAME/.well-known/acme-challenge/TOKEN` has to answer with the answer.
    Http {
        /// The host.
        name: CertificateName,
        /// Letters, digits, hyphens and underscores; fit for a path and a file's name.
        token: String,
        /// The same signs and a dot.
        answer: String,
    },
    /// A TXT record, beside others of its name that may be there.
    Dns {
        /// The record's name, such as `_acme-challenge.example.org`, without a dot at its end.
        name: String,
        /// Its value.
        value: String,
    },
}

/// Puts what is asked for where the authority finds it.
#[async_trait]
pub trait Solver: Send + Sync {
    /// Puts it there, and returns when the authority would find it.
    ///
    /// # Errors
    /// Why that is not to be had, in words for people.
    async fn put(&self, challenges: &[Challenge]) -> Result<(), String>;

    /// Takes it away, as far as it is there. Called after every [`Solver::put`], also one that
    /// failed; only who drops the future of [`Account::issue`] has to call it himself.
    async fn take_away(&self, challenges: &[Challenge]);
}

/// When an authority wants a certificate to be renewed (RFC 9773, section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// From when.
    pub start: Timestamp,
    /// Until when; after the start.
    pub end: Timestamp,
    /// How long this holds before it should be asked for again: a minute to a day.
    pub look_after: Duration,
    /// The address of a page that says why.
    pub explanation: Option<String>,
}

/// An account with an authority. Cheap to clone.
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
    /// Makes an account, with a new key (ECDSA P-256), and agrees to the authority's terms.
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn create(
        directory: &Directory,
        email: Option<&Email>,
        binding: Option<&Binding>,
    ) -> Result<(Self, Credentials), AcmeError> {
        let http = Http::new(directory.roots.as_ref())?;
        let binding = binding.map(external_key).transpose()?;
        let contact = email.map(|email| format!("mailto:{email}"));
        let contact: Vec<&str> = contact.as_deref().into_iter().collect();
        let wanted = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let url = directory.url.as_str();
        // A refused nonce leaves no account behind, so the next try may have another key.
        let (acme, made) = again!({
            let builder = instant_acme::Account::builder_with_http(Box::new(http.clone()));
            builder
                .create(&wanted, url.to_owned(), binding.as_ref())
                .await
        })
        .map_err(|error| of_account(error, binding.is_some()))?;
        let kept = Kept {
            url: acme.id().to_owned(),
            directory: directory.url.clone(),
            key: BASE64_URL_SAFE_NO_PAD.encode(made.private_key().secret_pkcs8_der()),
        };
        let kept = serde_json::to_string(&kept).map_err(|e| error::nonsense(&e.to_string()))?;
        Ok((Self { acme }, Credentials(kept)))
    }

    /// Opens the account again. Whether the authority still knows it shows when it is used.
    ///
    /// # Errors
    /// [`AcmeError::AccountGone`] when the credentials are of another directory, or none; else see
    /// [`AcmeError`].
    pub async fn open(directory: &Directory, credentials: &Credentials) -> Result<Self, AcmeError> {
        let kept: Kept =
            serde_json::from_str(credentials.reveal()).map_err(|_| AcmeError::AccountGone)?;
        let key = BASE64_URL_SAFE_NO_PAD.decode(&kept.key);
        let key = key.map_err(|_| AcmeError::AccountGone)?;
        let is_key = Key::from_pkcs8_der(PrivatePkcs8KeyDer::from(key.as_slice())).is_ok();
        if kept.directory != directory.url || !is_key {
            return Err(AcmeError::AccountGone);
        }
        let http = Http::new(directory.roots.as_ref())?;
        let acme = instant_acme::Account::builder_with_http(Box::new(http))
            .from_parts(
                kept.url,
                PrivatePkcs8KeyDer::from(key.as_slice()),
                directory.url.to_string(),
            )
            .await
            .map_err(|error| error::of(error, None))?;
        Ok(Self { acme })
    }

    /// The account's address at the authority.
    pub fn url(&self) -> &str {
        self.acme.id()
    }

    /// Asks when the authority wants a certificate to be renewed. None when it does not tell such
    /// things.
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn renewal(&self, chain_pem: &str) -> Result<Option<Window>, AcmeError> {
        let leaf = leaf::read(chain_pem).map_err(|error| error::refused(error.to_string()))?;
        let Some(id) = leaf.renewal else {
            return Ok(None);
        };
        match self.acme.renewal_info(&identifier(&id)).await {
            Ok((info, look_after)) => window(info, look_after).map(Some),
            Err(instant_acme::Error::Unsupported(_)) => Ok(None),
            Err(error) => Err(error::of(error, None)),
        }
    }

    /// Takes a certificate back. One that was taken back before is as good.
    ///
    /// # Errors
    /// See [`AcmeError`].
    pub async fn revoke(&self, chain_pem: &str) -> Result<(), AcmeError> {
        let chain = text::certificates(chain_pem);
        let chain = chain.map_err(|words| error::refused(words.to_owned()))?;
        let Some(certificate) = chain.first() else {
            return Ok(());
        };
        let request = RevocationRequest {
            certificate,
            reason: None,
        };
        match again!(self.acme.revoke(&request).await) {
            Ok(()) => Ok(()),
            Err(error) if problem::is(&error, "alreadyRevoked") => Ok(()),
            Err(error) => Err(error::of(error, None)),
        }
    }
}

fn identifier(id: &RenewalId) -> CertificateIdentifier<'_> {
    CertificateIdentifier {
        authority_key_identifier: id.authority.as_str().into(),
        serial: id.serial.as_str().into(),
    }
}

/// The binding's key as bytes. Authorities show it in base64url; some tools add padding, or write
/// ordinary base64.
fn external_key(binding: &Binding) -> Result<ExternalAccountKey, AcmeError> {
    let text = binding.key.reveal().trim_end_matches('=');
    let key = BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .or_else(|_| BASE64_STANDARD_NO_PAD.decode(text))
        .ok()
        .filter(|key| !key.is_empty())
        .ok_or_else(|| AcmeError::Refused {
            kind: Refusal::Binding,
            words: "The key of the external account is no base64url. Copy it again from the authority's page.".to_owned(),
            detail: None,
        })?;
    Ok(ExternalAccountKey::new(binding.id.to_string(), &key))
}

/// Why no account was made. Authorities have no type of their own for an external account that they do
/// not know.
fn of_account(error: instant_acme::Error, is_bound: bool) -> AcmeError {
    match error::of(error, None) {
        AcmeError::Refused {
            kind: Refusal::Account | Refusal::Request,
            detail,
            ..
        } if is_bound => AcmeError::Refused {
            kind: Refusal::Binding,
            words: "The authority does not take the external account. Check its id and its key."
                .to_owned(),
            detail,
        },
        other => other,
    }
}

fn window(info: RenewalInfo, look_after: Duration) -> Result<Window, AcmeError> {
    let moment = |time: time::OffsetDateTime| {
        i64::try_from(time.unix_timestamp_nanos() / 1_000_000).map(Timestamp)
    };
    let suggested = info.suggested_window;
    let (Ok(start), Ok(end)) = (moment(suggested.start), moment(suggested.end)) else {
        return Err(error::nonsense("a window of renewal outside of time"));
    };
    if end <= start {
        return Err(error::nonsense(
            "a window of renewal that ends before it begins",
        ));
    }
    Ok(Window {
        start,
        end,
        // Limits as RFC 9773, section 4.3.2, has them. It was said in whole seconds, of which the
        // library loses a little between two looks at the clock.
        look_after: Duration::from_secs(
            look_after.as_secs_f64().round().clamp(60.0, 86_400.0) as u64
        ),
        explanation: info
            .explanation_url
            .filter(|url| url.starts_with("https://") && url.len() <= 1000)
            .map(|url| text::plain(&url, 1000)),
    })
}
