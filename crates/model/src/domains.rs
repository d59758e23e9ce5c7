//! Domains under which a site publishes: who may, who signs people in there, and what browsers are
//! told to remember.

mod entry;
mod origin;

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use entry::{DomainOption, EntryPoint};
pub use origin::Origin;

use crate::{
    AuthorityId, DomainId, FieldError, Fields, Invalid, ProviderId, SiteId, Timestamp,
    certificates::{Issuance, Trouble},
    names::{Domain, Label, Username},
};

/// What browsers are told to remember of a domain's TLS (RFC 6797).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hsts {
    /// Nothing: without TLS the name can still be reached.
    #[default]
    Off,
    /// For a year, that this name is reached through TLS only.
    Names,
    /// For two years, that this name and all below it are.
    Below,
}

impl Hsts {
    /// The header's value; none when nothing is to be remembered.
    pub fn header(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Names => Some("max-age=31536000"),
            Self::Below => Some("max-age=63072000; includeSubDomains"),
        }
    }
}

impl Hsts {
    /// Every choice, from least to most.
    pub const ALL: [Self; 3] = [Self::Off, Self::Names, Self::Below];

    /// The word in forms, the API and the database.
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
            .ok_or(Invalid::new("HSTS is off, names or below."))
    }
}

/// Who may publish under a domain. Operators always may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Publishers {
    /// Whoever may have a container on the site.
    #[default]
    Everybody,
    /// These people.
    People(BTreeSet<Username>),
    /// Nobody else.
    Operators,
}

impl Publishers {
    /// The word in forms, the API and the database.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::People(_) => "people",
            Self::Operators => "operators",
        }
    }

    /// Whether a member of this name may.
    pub fn allow(&self, member: &Username) -> bool {
        match self {
            Self::Everybody => true,
            Self::People(people) => people.contains(member),
            Self::Operators => false,
        }
    }

    /// Who is named.
    pub fn people(&self) -> impl Iterator<Item = &Username> {
        let people = match self {
            Self::People(people) => Some(people),
            Self::Everybody | Self::Operators => None,
        };
        people.into_iter().flatten()
    }
}

/// A domain as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainSpec {
    /// The site whose edge hosts answer for it.
    pub site: SiteId,
    /// The domain.
    pub name: Domain,
    /// Where its oauth2-proxy answers.
    pub sign_in: Option<Origin>,
    /// What browsers remember of its TLS.
    pub hsts: Hsts,
    /// Who may publish under it.
    pub publishers: Publishers,
    /// How its certificates are had.
    pub issuance: Issuance,
    /// Who keeps its public records.
    pub provider: Option<ProviderId>,
    /// Whether the provider is told the addresses of what is published under it.
    pub addresses: bool,
}

/// An address that a domain's provider should have, and why it has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressTrouble {
    /// The name whose address it is.
    pub name: String,
    /// `A` or `AAAA`.
    pub kind: String,
    /// The address.
    pub value: String,
    /// What is in the way.
    pub trouble: Trouble,
    /// When it is tried next.
    pub next_try: Option<Timestamp>,
}

/// A domain as lists and its page show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRow {
    /// The domain.
    pub id: DomainId,
    /// As it should be.
    pub spec: DomainSpec,
    /// Its site's name.
    pub site_name: Label,
    /// How many web pages are published under it.
    pub services: u32,
    /// How many of its certificates are good.
    pub certificates: u32,
    /// How many of its certificates somebody has to do something about.
    pub alarms: u32,
}

/// The form of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainForm {
    /// The site's key.
    pub site: String,
    /// The domain.
    pub name: String,
    /// Such as `http://10.20.0.5:4180`; empty means that there is none.
    #[serde(default)]
    pub sign_in: String,
    /// `off`, `names` or `below`.
    pub hsts: String,
    /// `everybody`, `people` or `operators`.
    pub publishers: String,
    /// The names of people, with commas or spaces between them.
    #[serde(default)]
    pub people: String,
    /// `self-signed`, `http`, `dns`, `wildcard` or `uploaded`; empty means the first.
    #[serde(default)]
    pub issuance: String,
    /// The key of the authority, where one gives them.
    #[serde(default)]
    pub authority: String,
    /// The key of the provider of DNS; empty means none.
    #[serde(default)]
    pub provider: String,
    /// Whether the provider is told the addresses of names.
    #[serde(default)]
    pub addresses: bool,
}

impl DomainForm {
    /// The domain's values, or the refusals by field.
    ///
    /// # Errors
    /// Every field that needs another value.
    pub fn parse(&self) -> Result<DomainSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let site = fields.parse("site", &self.site);
        let name = fields.parse("name", &self.name);
        let sign_in = fields.optional("sign_in", &self.sign_in);
        let hsts = fields.parse("hsts", &self.hsts);
        let publishers = match self.publishers.trim() {
            "everybody" => Some(Publishers::Everybody),
            "operators" => Some(Publishers::Operators),
            "people" => self.people(&mut fields).map(Publishers::People),
            _ => {
                fields.refuse("publishers", "Choose everybody, people or operators.");
                None
            }
        };
        let provider = fields.optional("provider", &self.provider);
        let issuance = self.issuance(&mut fields, provider.flatten().is_some());
        if self.addresses && provider == Some(None) {
            fields.refuse("provider", "Choose who keeps the domain's records.");
        }
        let spec = (|| {
            Some(DomainSpec {
                site: site?,
                name: name?,
                sign_in: sign_in?,
                hsts: hsts?,
                publishers: publishers?,
                issuance: issuance?,
                provider: provider?,
                addresses: self.addresses,
            })
        })();
        fields.finish(spec)
    }

    fn issuance(&self, fields: &mut Fields, has_provider: bool) -> Option<Issuance> {
        let word = match self.issuance.trim() {
            "" => Issuance::default().as_str(),
            word => word,
        };
        if !Issuance::WORDS.contains(&word) {
            let words = "Choose self-signed, http, dns, wildcard or uploaded.";
            fields.refuse("issuance", words);
            return None;
        }
        let authority: Option<AuthorityId> = fields.optional("authority", &self.authority)?;
        let Some(issuance) = Issuance::of(word, authority) else {
            fields.refuse("authority", "Choose the authority that gives them.");
            return None;
        };
        if issuance.needs_provider() && !has_provider && self.provider.trim().is_empty() {
            fields.refuse(
                "provider",
                "Choose who keeps the domain's records: it answers the authority.",
            );
            return None;
        }
        Some(issuance)
    }

    fn people(&self, fields: &mut Fields) -> Option<BTreeSet<Username>> {
        let names = self.people.split([',', ' ', '\n', '\r', '\t']);
        let people: Result<BTreeSet<Username>, Invalid> = names
            .filter(|name| !name.is_empty())
            .map(str::parse)
            .collect();
        let people = fields.keep("people", people)?;
        if people.is_empty() {
            fields.refuse("people", "Name at least one person.");
            return None;
        }
        Some(people)
    }
}

/// A key as a form has it.
fn key<T: fmt::Display>(key: Option<T>) -> String {
    key.map(|key| key.to_string()).unwrap_or_default()
}

impl From<&DomainSpec> for DomainForm {
    fn from(domain: &DomainSpec) -> Self {
        let people: Vec<&str> = domain.publishers.people().map(Username::as_str).collect();
        Self {
            site: domain.site.to_string(),
            name: domain.name.to_string(),
            sign_in: domain
                .sign_in
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            hsts: domain.hsts.to_string(),
            publishers: domain.publishers.as_str().to_owned(),
            people: people.join(", "),
            issuance: domain.issuance.as_str().to_owned(),
            authority: key(domain.issuance.authority()),
            provider: key(domain.provider),
            addresses: domain.addresses,
        }
    }
}
