//! Domains that a site publishes under: permitted publishers, single sign-on, HSTS and
//! certificates.

mod detail;
mod entry;

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use detail::{DomainChoices, DomainDetail, DomainTab, NewDomainOptions};
pub use entry::{DomainOption, EntryPoint};

use crate::{
    AuthorityId, DomainId, FieldError, Fields, Invalid, ProviderId, SiteId, Timestamp,
    certificates::{AttemptFailure, CertificateSource},
    names::{BaseDomain, Domain, Label, Username},
    origin::Origin,
};

/// The HSTS policy of a domain (RFC 6797).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hsts {
    /// No header: names stay reachable without TLS.
    #[default]
    Off,
    /// One year, for each published name.
    Names,
    /// Two years, for each published name and its subdomains.
    Below,
}

impl Hsts {
    /// The header's value; `None` without HSTS.
    pub fn header(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Names => Some("max-age=31536000"),
            Self::Below => Some("max-age=63072000; includeSubDomains"),
        }
    }
}

impl Hsts {
    /// Every policy, from weakest to strongest.
    pub const ALL: [Self; 3] = [Self::Off, Self::Names, Self::Below];

    /// The name in forms and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Names => "names",
            Self::Below => "below",
        }
    }
}

impl fmt::Display for Hsts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Hsts {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|hsts| hsts.as_str() == text.trim())
            .ok_or(Invalid::new("Enter off, names or below."))
    }
}

/// The users who may publish under a domain. Operators always may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Publishers {
    /// All users who may have containers in the site.
    #[default]
    AllUsers,
    /// The listed users.
    Users(BTreeSet<Username>),
    /// Operators only.
    Operators,
}

impl Publishers {
    /// The name in forms and the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AllUsers => "all-users",
            Self::Users(_) => "selected-users",
            Self::Operators => "operators",
        }
    }

    /// Whether a member with this name may publish.
    pub fn allows(&self, member: &Username) -> bool {
        match self {
            Self::AllUsers => true,
            Self::Users(users) => users.contains(member),
            Self::Operators => false,
        }
    }

    /// The listed users.
    pub fn users(&self) -> impl Iterator<Item = &Username> {
        let users = match self {
            Self::Users(users) => Some(users),
            Self::AllUsers | Self::Operators => None,
        };
        users.into_iter().flatten()
    }
}

/// The desired state of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainSpec {
    /// The site whose edge hosts serve the domain.
    pub site: SiteId,
    /// The DNS domain that hostnames are published under.
    pub name: Domain,
    /// The URL of its oauth2-proxy.
    pub sign_in: Option<Origin>,
    /// Whether services that require a sign-in receive the visitor's access token.
    pub forwards_access_token: bool,
    /// The HSTS policy.
    pub hsts: Hsts,
    /// The users who may publish under the domain.
    pub publishers: Publishers,
    /// Where the certificates of its hostnames come from.
    pub certificate_source: CertificateSource,
    /// The provider of its public DNS records.
    pub provider: Option<ProviderId>,
    /// Whether to create address records at the provider for published names.
    pub addresses: bool,
}

/// An address record that could not be created at the DNS provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFailure {
    /// The record's name.
    pub name: String,
    /// `A` or `AAAA`.
    pub kind: String,
    /// The IP address.
    pub value: String,
    /// The reason.
    pub last_error: AttemptFailure,
    /// The time of the next attempt.
    pub next_attempt: Option<Timestamp>,
}

/// A domain, for lists and its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRow {
    /// The domain.
    pub id: DomainId,
    /// The desired state.
    pub spec: DomainSpec,
    /// The site's name.
    pub site_name: Label,
    /// The number of published HTTP services.
    pub services: u32,
    /// The number of valid certificates.
    pub certificates: u32,
    /// The number of certificates that need attention.
    pub attention_count: u32,
}

/// The form of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainForm {
    /// The site's ID.
    pub site: String,
    /// The DNS domain that hostnames are published under.
    pub name: String,
    /// A URL such as `http://10.20.0.5:4180`; empty means none.
    #[serde(default)]
    pub sign_in: String,
    /// Whether services that require a sign-in receive the visitor's access token.
    #[serde(default)]
    pub forwards_access_token: bool,
    /// `off`, `names` or `below`.
    pub hsts: String,
    /// `all-users`, `selected-users` or `operators`.
    pub publishers: String,
    /// Usernames, separated by commas or spaces.
    #[serde(default)]
    pub users: String,
    /// `self-signed`, `http`, `dns`, `wildcard` or `uploaded`; empty means `self-signed`.
    #[serde(default)]
    pub certificate_source: String,
    /// The ID of the certificate authority, if the certificate source needs one.
    #[serde(default)]
    pub authority: String,
    /// The ID of the DNS provider; empty means none.
    #[serde(default)]
    pub provider: String,
    /// Whether to create address records at the provider.
    #[serde(default)]
    pub addresses: bool,
}

impl DomainForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<DomainSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let site = fields.parse("site", &self.site);
        let name = fields.parse::<BaseDomain>("name", &self.name);
        let sign_in = fields.optional("sign_in", &self.sign_in);
        let hsts = fields.parse("hsts", &self.hsts);
        let publishers = match self.publishers.trim() {
            "all-users" => Some(Publishers::AllUsers),
            "operators" => Some(Publishers::Operators),
            "selected-users" => self.users(&mut fields).map(Publishers::Users),
            _ => {
                fields.add_error(
                    "publishers",
                    "Enter all-users, selected-users or operators.",
                );
                None
            }
        };
        let provider = fields.optional("provider", &self.provider);
        let certificate_source = self.certificate_source(&mut fields, provider.flatten().is_some());
        if self.addresses && provider == Some(None) {
            fields.add_error("provider", "Select a DNS provider for the address records.");
        }
        let spec = (|| {
            Some(DomainSpec {
                site: site?,
                name: name?.into(),
                sign_in: sign_in?,
                forwards_access_token: self.forwards_access_token,
                hsts: hsts?,
                publishers: publishers?,
                certificate_source: certificate_source?,
                provider: provider?,
                addresses: self.addresses,
            })
        })();
        fields.finish(spec)
    }

    fn certificate_source(
        &self,
        fields: &mut Fields,
        has_provider: bool,
    ) -> Option<CertificateSource> {
        let word = match self.certificate_source.trim() {
            "" => CertificateSource::default().as_str(),
            word => word,
        };
        if !CertificateSource::NAMES.contains(&word) {
            let message = "Enter self-signed, http, dns, wildcard or uploaded.";
            fields.add_error("certificate_source", message);
            return None;
        }
        let authority: Option<AuthorityId> = fields.optional("authority", &self.authority)?;
        let Some(certificate_source) = CertificateSource::from_name(word, authority) else {
            fields.add_error("authority", "Select a certificate authority.");
            return None;
        };
        if certificate_source.needs_provider() && !has_provider && self.provider.trim().is_empty() {
            fields.add_error(
                "provider",
                "Select a DNS provider for the DNS-01 challenges.",
            );
            return None;
        }
        Some(certificate_source)
    }

    fn users(&self, fields: &mut Fields) -> Option<BTreeSet<Username>> {
        let names = self.users.split([',', ' ', '\n', '\r', '\t']);
        let users: Result<BTreeSet<Username>, Invalid> = names
            .filter(|name| !name.is_empty())
            .map(str::parse)
            .collect();
        let users = fields.record("users", users)?;
        if users.is_empty() {
            fields.add_error("users", "Enter at least one user.");
            return None;
        }
        Some(users)
    }
}

/// Formats an optional ID for a form.
fn key<T: fmt::Display>(key: Option<T>) -> String {
    key.map(|key| key.to_string()).unwrap_or_default()
}

impl From<&DomainSpec> for DomainForm {
    fn from(domain: &DomainSpec) -> Self {
        let users: Vec<&str> = domain.publishers.users().map(Username::as_str).collect();
        Self {
            site: domain.site.to_string(),
            name: domain.name.to_string(),
            sign_in: domain
                .sign_in
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            forwards_access_token: domain.forwards_access_token,
            hsts: domain.hsts.to_string(),
            publishers: domain.publishers.as_str().to_owned(),
            users: users.join(", "),
            certificate_source: domain.certificate_source.as_str().to_owned(),
            authority: key(domain.certificate_source.certificate_authority()),
            provider: key(domain.provider),
            addresses: domain.addresses,
        }
    }
}
