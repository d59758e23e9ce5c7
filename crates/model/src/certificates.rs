//! Certificates of domains: how they are had, what is known of each, and what became of it. Must not
//! know keys: those are nobody's to see.

mod name;
mod standing;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use name::CertificateName;
pub use standing::{Standing, notice_at};

use crate::{
    AuthorityId, CertificateId, DomainId, FieldError, Fields, Invalid, Timestamp,
    clusters::Fingerprint,
    names::{Domain, Label},
};

/// How a domain's certificates are had. Until there is one, its edge hosts serve their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", content = "authority", rename_all = "kebab-case")]
pub enum Issuance {
    /// They are not: edge hosts serve certificates of their own, which browsers warn of.
    #[default]
    SelfSigned,
    /// People bring them.
    Uploaded,
    /// One for each name, for which the edge hosts answer the authority (HTTP-01).
    Http(AuthorityId),
    /// One for each name, for which the domain's provider of DNS answers (DNS-01).
    Dns(AuthorityId),
    /// One for all names below the domain and the domain itself (DNS-01).
    Wildcard(AuthorityId),
}

impl Issuance {
    /// Every word, in the order of choice.
    pub const WORDS: [&'static str; 5] = ["self-signed", "http", "dns", "wildcard", "uploaded"];

    /// The word in forms, the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SelfSigned => "self-signed",
            Self::Uploaded => "uploaded",
            Self::Http(_) => "http",
            Self::Dns(_) => "dns",
            Self::Wildcard(_) => "wildcard",
        }
    }

    /// Of a word and the authority that goes with it; none when the word is unknown, or the
    /// authority missing.
    pub fn of(word: &str, authority: Option<AuthorityId>) -> Option<Self> {
        match word {
            "self-signed" => Some(Self::SelfSigned),
            "uploaded" => Some(Self::Uploaded),
            "http" => authority.map(Self::Http),
            "dns" => authority.map(Self::Dns),
            "wildcard" => authority.map(Self::Wildcard),
            _ => None,
        }
    }

    /// Who gives them.
    pub fn authority(self) -> Option<AuthorityId> {
        match self {
            Self::SelfSigned | Self::Uploaded => None,
            Self::Http(id) | Self::Dns(id) | Self::Wildcard(id) => Some(id),
        }
    }

    /// Whether the domain's provider of DNS has to answer for it.
    pub fn needs_provider(self) -> bool {
        matches!(self, Self::Dns(_) | Self::Wildcard(_))
    }
}

/// What is known of a certificate that there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The names that it is for.
    pub names: Vec<CertificateName>,
    /// Who signed it.
    pub issuer: String,
    /// From when it is good.
    pub not_before: Timestamp,
    /// Until when it is good.
    pub not_after: Timestamp,
    /// Its SHA-256.
    pub fingerprint: Fingerprint,
    /// Its key: such as `ECDSA P-256`.
    pub key: String,
}

/// Where a certificate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// An authority gives it, and Holdfast renews it.
    Acme,
    /// Somebody brought it, and has to bring the next.
    Uploaded,
}

impl Source {
    /// The word in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acme => "acme",
            Self::Uploaded => "uploaded",
        }
    }
}

impl FromStr for Source {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "acme" => Ok(Self::Acme),
            "uploaded" => Ok(Self::Uploaded),
            _ => Err(Invalid::new("A certificate comes from acme or uploaded.")),
        }
    }
}

/// How a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateState {
    /// It is asked for, and there is none yet.
    Waiting,
    /// It was refused or not to be had, and there is none yet.
    Failed,
    /// It is good.
    Issued,
    /// It is good, and the next one is due or under way.
    Renewing,
    /// It is good for a short time only, and the next one is not to be had by itself.
    Expiring,
    /// It is good no more.
    Expired,
}

impl CertificateState {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Issued => "issued",
            Self::Renewing => "renewing",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
        }
    }

    /// Whether somebody has to do something.
    pub fn is_alarming(self) -> bool {
        matches!(self, Self::Failed | Self::Expiring | Self::Expired)
    }
}

/// Why the last try did not bring a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When.
    pub at: Timestamp,
    /// What happened and what to do, in plain words.
    pub words: String,
    /// The authority's or the provider's own words.
    pub detail: Option<String>,
}

/// A certificate as lists and its page show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRow {
    /// The certificate.
    pub id: CertificateId,
    /// The domain that it is for.
    pub domain: DomainId,
    /// That domain's name.
    pub domain_name: Domain,
    /// Its site's name.
    pub site_name: Label,
    /// What it is for: a host's name, or all below the domain.
    pub subject: CertificateName,
    /// Where it comes from.
    pub source: Source,
    /// How it stands.
    pub state: CertificateState,
    /// The one that there is.
    pub issued: Option<Issued>,
    /// When the next one is had.
    pub renew_at: Option<Timestamp>,
    /// When it is tried, or looked after, next.
    pub next_try: Option<Timestamp>,
    /// How often in a row it was tried in vain.
    pub failures: u32,
    /// Why the last try did not bring one.
    pub trouble: Option<Trouble>,
    /// Whether something is published under its name.
    pub is_used: bool,
}

/// What happened to a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// The first was given.
    Issued,
    /// The next was given.
    Renewed,
    /// Somebody brought it.
    Uploaded,
    /// It was not to be had.
    Failed,
    /// It was taken back.
    Revoked,
    /// It was good for a short time only.
    Expiring,
    /// It was good no more.
    Expired,
}

impl Happening {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Issued,
        Self::Renewed,
        Self::Uploaded,
        Self::Failed,
        Self::Revoked,
        Self::Expiring,
        Self::Expired,
    ];

    /// The word for people, in the API and the database.
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

impl FromStr for Happening {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|happening| happening.as_str() == text)
            .ok_or(Invalid::new(
                "It was issued, renewed, uploaded, failed, revoked, expiring or expired.",
            ))
    }
}

/// One line of a certificate's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: Happening,
    /// More of it, in words.
    pub words: String,
}

/// A certificate with its history, the newest line first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateDetail {
    /// The certificate.
    pub row: CertificateRow,
    /// At most the last 50 lines.
    pub history: Vec<HistoryLine>,
}

/// The form of a certificate that somebody brings. What the texts hold is checked by the server.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadForm {
    /// The domain's key.
    pub domain: String,
    /// The certificate and those that vouch for it, in PEM.
    pub chain: String,
    /// Its key, in PEM.
    pub key: String,
}

impl UploadForm {
    /// The domain, or the refusals by field.
    ///
    /// # Errors
    /// An unknown domain, or texts that are no certificate and no key on the face of it.
    pub fn parse(&self) -> Result<DomainId, Vec<FieldError>> {
        let mut fields = Fields::default();
        let domain = fields.parse("domain", &self.domain);
        if !self.chain.contains("-----BEGIN CERTIFICATE-----") {
            fields.refuse(
                "chain",
                "Paste the certificate and those that vouch for it, from -----BEGIN CERTIFICATE-----.",
            );
        }
        if self.key.contains("ENCRYPTED") {
            fields.refuse(
                "key",
                "The key has a password. Take it off first: openssl pkey -in key.pem -out plain.pem",
            );
        } else if !self.key.contains("PRIVATE KEY-----") {
            fields.refuse(
                "key",
                "Paste the key of the certificate, from -----BEGIN PRIVATE KEY-----.",
            );
        }
        fields.finish(domain)
    }
}

/// The key is a secret.
impl fmt::Debug for UploadForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadForm")
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_of_having_certificates_is_its_word_and_its_authority() {
        let authority = Some(AuthorityId(3));
        for word in Issuance::WORDS {
            let issuance = Issuance::of(word, authority).unwrap();
            assert_eq!(issuance.as_str(), word);
            assert_eq!(Issuance::of(word, issuance.authority()), Some(issuance));
        }
        assert_eq!(Issuance::of("http", None), None);
        assert_eq!(Issuance::of("else", authority), None);
    }

    #[test]
    fn an_upload_shows_no_key() {
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
