//! DNS providers: the APIs that hold a domain's public records, and the accounts for them. Contains
//! no protocol code.

mod form;

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

pub use form::ProviderForm;

use crate::{
    Invalid, ProviderId,
    names::{Domain, Label},
    net::Port,
    origin::Origin,
    text::{by_text, text_value},
};

/// A kind of DNS provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// The Cloudflare API, with an API token.
    Cloudflare,
    /// A name server that accepts signed dynamic updates (RFC 2136, RFC 8945), such as BIND, Knot
    /// or PowerDNS.
    Rfc2136,
    /// An acme-dns server, which stores only TXT records for ACME challenges.
    AcmeDns,
}

impl ProviderKind {
    /// Every kind, in the order of forms.
    pub const ALL: [Self; 3] = [Self::Cloudflare, Self::Rfc2136, Self::AcmeDns];

    /// The name in forms and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloudflare => "cloudflare",
            Self::Rfc2136 => "rfc2136",
            Self::AcmeDns => "acme-dns",
        }
    }

    /// Whether the provider supports address records.
    pub fn supports_address_records(self) -> bool {
        match self {
            Self::Cloudflare | Self::Rfc2136 => true,
            Self::AcmeDns => false,
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProviderKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text.trim())
            .ok_or(Invalid::new("Enter cloudflare, rfc2136 or acme-dns."))
    }
}

/// The TSIG algorithm (RFC 8945, section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TsigAlgorithm {
    /// HMAC-SHA256.
    #[default]
    HmacSha256,
    /// HMAC-SHA384.
    HmacSha384,
    /// HMAC-SHA512.
    HmacSha512,
}

impl TsigAlgorithm {
    /// Every algorithm, in the order of forms.
    pub const ALL: [Self; 3] = [Self::HmacSha256, Self::HmacSha384, Self::HmacSha512];

    /// The name in forms and the database; also the algorithm's name in DNS.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
        }
    }
}

impl fmt::Display for TsigAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TsigAlgorithm {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text.trim())
            .ok_or(Invalid::new(
                "Enter hmac-sha256, hmac-sha384 or hmac-sha512.",
            ))
    }
}

/// A name server that accepts updates: `ns1.example.org`, `10.0.0.53` or `[2001:db8::53]`, with
/// `:PORT` if it is not 53.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NameServer {
    host: Host,
    port: Port,
}
by_text!(NameServer);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Name(Domain),
    Address(IpAddr),
}

impl NameServer {
    /// The IP address, or the hostname to resolve.
    pub fn host(&self) -> Result<IpAddr, &Domain> {
        match &self.host {
            Host::Address(address) => Ok(*address),
            Host::Name(name) => Err(name),
        }
    }

    /// The port; 53 if none was entered.
    pub fn port(&self) -> u16 {
        self.port.get()
    }
}

/// The default port of DNS.
const DNS: u16 = 53;

impl FromStr for NameServer {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || {
            Invalid::new(
                "Enter a name server such as ns1.example.org, 10.0.0.53 or 10.0.0.53:5353.",
            )
        };
        let text = text.trim_ascii();
        let number = |port: &str| port.parse::<u16>().map_err(|_| invalid());
        let (host, port) = if let Ok(address) = text.parse::<IpAddr>() {
            (Host::Address(address), DNS)
        } else if let Some((v6, rest)) = text.strip_prefix('[').and_then(|it| it.split_once(']')) {
            let port = match rest {
                "" => DNS,
                rest => number(rest.strip_prefix(':').ok_or_else(invalid)?)?,
            };
            let v6 = v6.parse().map_err(|_| invalid())?;
            (Host::Address(IpAddr::V6(v6)), port)
        } else {
            let (host, port) = match text.rsplit_once(':') {
                Some((host, port)) => (host, number(port)?),
                None => (text, DNS),
            };
            let host = match host.parse() {
                Ok(v4) => Host::Address(IpAddr::V4(v4)),
                Err(_) => Host::Name(host.parse().map_err(|_| invalid())?),
            };
            (host, port)
        };
        let port = port.try_into().map_err(|_| invalid())?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => write!(f, "{name}")?,
            Host::Address(IpAddr::V4(v4)) => write!(f, "{v4}")?,
            Host::Address(IpAddr::V6(v6)) => write!(f, "[{v6}]")?,
        }
        match self.port.get() {
            DNS => Ok(()),
            port => write!(f, ":{port}"),
        }
    }
}

/// The public part of a credential, such as the name of a key or an account: 1 to 200 graphic ASCII
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);
text_value!(AccountName);

impl FromStr for AccountName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        let is_allowed = |c: char| c.is_ascii_graphic();
        if !(1..=200).contains(&text.len()) || !text.chars().all(is_allowed) {
            return Err(Invalid::new(
                "Enter 1 to 200 letters, digits and symbols, without spaces.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The secret part of a credential: a token, a key or a password. Never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountSecret(String);

impl AccountSecret {
    /// The secret value.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountSecret {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        if !(1..=500).contains(&text.len()) || !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(Invalid::new(
                "Enter 1 to 500 letters, digits and symbols, without spaces.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for AccountSecret {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<AccountSecret> for String {
    fn from(secret: AccountSecret) -> Self {
        secret.0
    }
}

impl fmt::Debug for AccountSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountSecret(…)")
    }
}

/// The settings of a provider, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProviderSettings {
    /// The secret is the API token.
    Cloudflare,
    /// The secret is the value of the TSIG key.
    Rfc2136 {
        /// The name server that receives updates.
        server: NameServer,
        /// The zone to update.
        zone: Domain,
        /// The name of the TSIG key.
        key: Domain,
        /// The algorithm of the TSIG key.
        algorithm: TsigAlgorithm,
    },
    /// The secret is the account's password.
    AcmeDns {
        /// The URL of the API.
        server: Origin,
        /// The account's `username` from its registration.
        user: AccountName,
        /// The name of the TXT records (`fulldomain`), the target of the CNAME of a domain's
        /// `_acme-challenge`.
        full_domain: Domain,
    },
}

impl ProviderSettings {
    /// The provider's kind.
    pub fn kind(&self) -> ProviderKind {
        match self {
            Self::Cloudflare => ProviderKind::Cloudflare,
            Self::Rfc2136 { .. } => ProviderKind::Rfc2136,
            Self::AcmeDns { .. } => ProviderKind::AcmeDns,
        }
    }
}

/// The desired state of a DNS provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSpec {
    /// The provider's name.
    pub name: Label,
    /// The settings.
    pub settings: ProviderSettings,
    /// The new secret; `None` keeps the stored one.
    pub secret: Option<AccountSecret>,
}

/// A DNS provider, for lists and its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRow {
    /// The provider.
    pub id: ProviderId,
    /// The provider's name.
    pub name: Label,
    /// The settings.
    pub settings: ProviderSettings,
    /// The domains that use the provider.
    pub domains: Vec<Domain>,
}

/// The result of one check of a provider test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderCheck {
    /// Whether the check passed.
    pub is_good: bool,
    /// What was checked, and what to do if the check failed.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_server_accepts_common_notations() {
        for (text, shown) in [
            ("ns1.example.org", "ns1.example.org"),
            ("NS1.example.org.:53", "ns1.example.org"),
            (" 10.0.0.53 ", "10.0.0.53"),
            ("10.0.0.53:5353", "10.0.0.53:5353"),
            ("2001:db8::53", "[2001:db8::53]"),
            ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
        ] {
            let server: NameServer = text.parse().unwrap();
            assert_eq!(server.to_string(), shown);
            assert_eq!(shown.parse::<NameServer>().unwrap(), server);
        }
        for text in [
            "",
            ":53",
            "a b",
            "10.0.0.53:0",
            "10.0.0.53:x",
            "[::1",
            "a:1:2",
        ] {
            assert!(text.parse::<NameServer>().is_err(), "{text}");
        }
    }
}
