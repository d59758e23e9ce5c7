//! Certificates of domains: source, validity, state and history. Must not contain private keys,
//! except in the upload form.

mod list;
mod name;
mod state;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use list::{ALARMING, CertificateList, CertificateQuery};
pub use name::CertificateName;
pub use state::{StateInputs, expiring_from};

use crate::{
    AuthorityId, CertificateId, DomainId, FieldError, Fields, Invalid, Timestamp,
    fingerprint::Fingerprint,
    names::{Domain, Label},
    text::debug_only_fields,
};

/// The certificate source of a domain. Until a certificate is issued, edge hosts serve self-signed
/// ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", content = "authority", rename_all = "kebab-case")]
pub enum CertificateSource {
    /// None: edge hosts serve self-signed certificates, which browsers warn about.
    #[default]
    SelfSigned,
    /// Users upload certificates.
    Uploaded,
    /// One certificate for each hostname, validated by the edge hosts (HTTP-01).
    Http(AuthorityId),
    /// One certificate for each hostname, validated through the DNS provider (DNS-01).
    Dns(AuthorityId),
    /// One wildcard certificate for the domain and all hostnames directly below it (DNS-01).
    Wildcard(AuthorityId),
}

impl CertificateSource {
    /// Every word, in the order of forms.
    pub const NAMES: [&'static str; 5] = ["self-signed", "http", "dns", "wildcard", "uploaded"];

    /// The name in forms and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SelfSigned => "self-signed",
            Self::Uploaded => "uploaded",
            Self::Http(_) => "http",
            Self::Dns(_) => "dns",
            Self::Wildcard(_) => "wildcard",
        }
    }

    /// The source for a word and a CA; `None` if the word is unknown or its CA is missing.
    pub fn from_name(word: &str, authority: Option<AuthorityId>) -> Option<Self> {
        match word {
            "self-signed" => Some(Self::SelfSigned),
            "uploaded" => Some(Self::Uploaded),
            "http" => authority.map(Self::Http),
            "dns" => authority.map(Self::Dns),
            "wildcard" => authority.map(Self::Wildcard),
            _ => None,
        }
    }

    /// The certificate authority that issues.
    pub fn certificate_authority(self) -> Option<AuthorityId> {
        match self {
            Self::SelfSigned | Self::Uploaded => None,
            Self::Http(id) | Self::Dns(id) | Self::Wildcard(id) => Some(id),
        }
    }

    /// Whether the source requires a DNS provider for the domain.
    pub fn needs_provider(self) -> bool {
        matches!(self, Self::Dns(_) | Self::Wildcard(_))
    }
}

/// The contents of an issued certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateContents {
    /// The subject alternative names.
    pub names: Vec<CertificateName>,
    /// The issuer's name.
    pub issuer: String,
    /// The start of its validity.
    pub not_before: Timestamp,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// The SHA-256 fingerprint.
    pub fingerprint: Fingerprint,
    /// The key type, such as `ECDSA P-256`.
    pub key: String,
}

/// How one certificate is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssuanceMethod {
    /// Issued by a CA through ACME and renewed automatically.
    Acme,
    /// Uploaded by a user and not renewed automatically.
    Uploaded,
}

impl IssuanceMethod {
    /// The name in forms and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acme => "acme",
            Self::Uploaded => "uploaded",
        }
    }
}

impl FromStr for IssuanceMethod {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "acme" => Ok(Self::Acme),
            "uploaded" => Ok(Self::Uploaded),
            _ => Err(Invalid::new("Enter acme or uploaded.")),
        }
    }
}

/// The state of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateState {
    /// Requested and not issued yet.
    Waiting,
    /// The last attempt failed and no certificate is available.
    Failed,
    /// Valid.
    Issued,
    /// Valid; a renewal is due or under way.
    Renewing,
    /// Valid for a short time only, and no renewal is expected.
    Expiring,
    /// Past the end of its validity.
    Expired,
}

impl CertificateState {
    /// The word on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Issued => "issued",
            Self::Renewing => "renewing",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
        }
    }

    /// Whether the certificate needs a user's attention.
    pub fn needs_attention(self) -> bool {
        matches!(self, Self::Failed | Self::Expiring | Self::Expired)
    }
}

/// Why the last attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFailure {
    /// The time of the attempt.
    pub at: Timestamp,
    /// The reason and what to do, as text for users.
    pub message: String,
    /// The message of the CA or the DNS provider.
    pub detail: Option<String>,
}

/// A certificate, for lists and its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRow {
    /// The certificate.
    pub id: CertificateId,
    /// The certificate's domain.
    pub domain: DomainId,
    /// The domain's name.
    pub domain_name: Domain,
    /// The site's name.
    pub site_name: Label,
    /// The name that the certificate is for: a hostname or a wildcard.
    pub subject: CertificateName,
    /// How it is obtained, which decides who renews it.
    pub method: IssuanceMethod,
    /// Computed from validity and attempts at the time of the query.
    pub state: CertificateState,
    /// The contents of the current certificate.
    pub issued: Option<CertificateContents>,
    /// The time of the next renewal.
    pub renew_at: Option<Timestamp>,
    /// The time of the next attempt or check.
    pub next_attempt: Option<Timestamp>,
    /// The number of consecutive failed attempts.
    pub failures: u32,
    /// Why the last attempt failed.
    pub last_error: Option<AttemptFailure>,
    /// Whether a published service uses the certificate's name.
    pub is_used: bool,
}

/// An event in a certificate's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateEvent {
    /// First issued.
    Issued,
    /// A newly issued certificate replaced an earlier one.
    Renewed,
    /// Uploaded by a user.
    Uploaded,
    /// An attempt failed.
    Failed,
    /// A user had it revoked; a new certificate is requested.
    Revoked,
    /// About to expire.
    Expiring,
    /// Past the end of its validity.
    Expired,
}

impl CertificateEvent {
    /// Every event.
    pub const ALL: [Self; 7] = [
        Self::Issued,
        Self::Renewed,
        Self::Uploaded,
        Self::Failed,
        Self::Revoked,
        Self::Expiring,
        Self::Expired,
    ];

    /// The name on pages and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Renewed => "renewed",
            Self::Uploaded => "uploaded",
            Self::Failed => "failed",
            Self::Revoked => "revoked",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
        }
    }
}

impl FromStr for CertificateEvent {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|event| event.as_str() == text)
            .ok_or(Invalid::new(
                "Enter issued, renewed, uploaded, failed, revoked, expiring or expired.",
            ))
    }
}

/// One line of a certificate's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When the event happened.
    pub at: Timestamp,
    /// The event.
    pub event: CertificateEvent,
    /// Details, as text.
    pub message: String,
}

/// A certificate with its history, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateDetail {
    /// The certificate.
    pub row: CertificateRow,
    /// At most the 50 most recent lines.
    pub history: Vec<HistoryEntry>,
}

/// The form for a certificate upload. The server validates the PEM contents.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadForm {
    /// The domain's ID.
    pub domain: String,
    /// The certificate and its intermediate certificates, in PEM.
    pub chain: String,
    /// The private key, in PEM.
    pub key: String,
}

impl UploadForm {
    /// Parses the domain and checks that both texts look like PEM.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<DomainId, Vec<FieldError>> {
        let mut fields = Fields::default();
        let domain = fields.parse("domain", &self.domain);
        if !self.chain.contains("-----BEGIN CERTIFICATE-----") {
            fields.add_error(
                "chain",
                "Paste the certificate and its intermediates, from -----BEGIN CERTIFICATE-----.",
            );
        }
        if self.key.contains("ENCRYPTED") {
            fields.add_error(
                "key",
                "The key has a passphrase. Remove it first: openssl pkey -in key.pem -out plain.pem",
            );
        } else if !self.key.contains("PRIVATE KEY-----") {
            fields.add_error(
                "key",
                "Paste the private key, from -----BEGIN PRIVATE KEY-----.",
            );
        }
        fields.finish(domain)
    }
}

debug_only_fields!(UploadForm { domain });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuance_round_trips_through_word_and_authority() {
        let authority = Some(AuthorityId(3));
        for word in CertificateSource::NAMES {
            let source = CertificateSource::from_name(word, authority).unwrap();
            assert_eq!(source.as_str(), word);
            assert_eq!(
                CertificateSource::from_name(word, source.certificate_authority()),
                Some(source)
            );
        }
        assert_eq!(CertificateSource::from_name("http", None), None);
        assert_eq!(CertificateSource::from_name("else", authority), None);
    }

    #[test]
    fn upload_form_debug_hides_key() {
        let form = UploadForm {
            domain: "1".into(),
            chain: "-----BEGIN CERTIFICATE-----".into(),
            key: "-----BEGIN PRIVATE KEY-----geheim".into(),
        };
        assert!(!format!("{form:?}").contains("geheim"));
        assert_eq!(form.parse(), Ok(DomainId(1)));
        let encrypted = UploadForm {
            key: "-----BEGIN ENCRYPTED PRIVATE KEY-----".into(),
            ..form
        };
        assert_eq!(encrypted.parse().unwrap_err()[0].field, "key");
    }
}
