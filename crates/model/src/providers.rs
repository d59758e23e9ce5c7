//! Providers of DNS: where a domain's public records are kept, and by which account Holdfast changes
//! them there. Must not know how one is spoken to.

mod form;

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

pub use form::ProviderForm;

use crate::{
    Invalid, ProviderId,
    domains::Origin,
    names::{Domain, Label},
    net::Port,
    text::{by_text, text_value},
};

/// A kind of provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// Cloudflare's API, with a token.
    Cloudflare,
    /// A name server that takes signed updates (RFC 2136, RFC 8945), such as BIND, Knot or PowerDNS.
    Rfc2136,
    /// A server of acme-dns, which keeps nothing but the answers that an authority asks for.
    AcmeDns,
}

impl ProviderKind {
    /// Every kind, in the order of choice.
    pub const ALL: [Self; 3] = [Self::Cloudflare, Self::Rfc2136, Self::AcmeDns];

    /// The word in forms, the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloudflare => "cloudflare",
            Self::Rfc2136 => "rfc2136",
            Self::AcmeDns => "acme-dns",
        }
    }

    /// Whether it keeps addresses of names too.
    pub fn keeps_addresses(self) -> bool {
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
            .ok_or(Invalid::new(
                "A provider is cloudflare, rfc2136 or acme-dns.",
            ))
    }
}

/// How an update is signed (RFC 8945, section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TsigAlgorithm {
    /// HMAC with SHA-256.
    #[default]
    HmacSha256,
    /// HMAC with SHA-384.
    HmacSha384,
    /// HMAC with SHA-512.
    HmacSha512,
}

impl TsigAlgorithm {
    /// Every algorithm, in the order of choice.
    pub const ALL: [Self; 3] = [Self::HmacSha256, Self::HmacSha384, Self::HmacSha512];

    /// The word in forms, the API and the database, which is also its name in DNS.
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
                "Updates are signed with hmac-sha256, hmac-sha384 or hmac-sha512.",
            ))
    }
}

/// Where a name server takes updates: `ns1.example.org`, `10.0.0.53` or `[2001:db8::53]`, with
/// `:PORT` where it is not 53.
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
    /// Its address, or the name under which that is found.
    pub fn host(&self) -> Result<IpAddr, &Domain> {
        match &self.host {
            Host::Address(address) => Ok(*address),
            Host::Name(name) => Err(name),
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port.get()
    }
}

/// The port of DNS.
const DNS: u16 = 53;

impl FromStr for NameServer {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refusal = || {
            Invalid::new("Use a name server such as ns1.example.org, 10.0.0.53 or 10.0.0.53:5353.")
        };
        let text = text.trim_ascii();
        let number = |port: &str| port.parse::<u16>().map_err(|_| refusal());
        let (host, port) = if let Ok(address) = text.parse::<IpAddr>() {
            (Host::Address(address), DNS)
        } else if let Some((v6, rest)) = text.strip_prefix('[').and_then(|it| it.split_once(']')) {
            let port = match rest {
                "" => DNS,
                rest => number(rest.strip_prefix(':').ok_or_else(refusal)?)?,
            };
            let v6 = v6.parse().map_err(|_| refusal())?;
            (Host::Address(IpAddr::V6(v6)), port)
        } else {
            let (host, port) = match text.rsplit_once(':') {
                Some((host, port)) => (host, number(port)?),
                None => (text, DNS),
            };
            let host = match host.parse() {
                Ok(v4) => Host::Address(IpAddr::V4(v4)),
                Err(_) => Host::Name(host.parse().map_err(|_| refusal())?),
            };
            (host, port)
        };
        let port = port.try_into().map_err(|_| refusal())?;
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

/// What a provider is kept under, such as the name of a key or of an account: 1 to 200 characters
/// that are no controls and no white space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);
text_value!(AccountName);

impl FromStr for AccountName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        let plain = |c: char| c.is_ascii_graphic();
        if !(1..=200).contains(&text.len()) || !text.chars().all(plain) {
            return Err(Invalid::new(
                "Use 1 to 200 letters, digits and signs without blanks.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A secret of an account: a token, a key or a password. Shown nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountSecret(String);

impl AccountSecret {
    /// The secret itself.
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
                "Use 1 to 500 letters, digits and signs without blanks.",
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

/// How a provider is reached, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProviderSettings {
    /// The token is the secret.
    Cloudflare,
    /// The key's value is the secret.
    Rfc2136 {
        /// Where updates are sent.
        server: NameServer,
        /// The zone that is changed there.
        zone: Domain,
        /// The key's name.
        key: Domain,
        /// How updates are signed with it.
        algorithm: TsigAlgorithm,
    },
    /// The account's password is the secret.
    AcmeDns {
        /// Where its API answers.
        server: Origin,
        /// The account's user (`username` of its registration).
        user: AccountName,
        /// The name that keeps the answers (`fulldomain`), to which a domain's `_acme-challenge`
        /// leads by a CNAME.
        full_domain: Domain,
    },
}

impl ProviderSettings {
    /// Its kind.
    pub fn kind(&self) -> ProviderKind {
        match self {
            Self::Cloudflare => ProviderKind::Cloudflare,
            Self::Rfc2136 { .. } => ProviderKind::Rfc2136,
            Self::AcmeDns { .. } => ProviderKind::AcmeDns,
        }
    }
}

/// A provider as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSpec {
    /// Its name.
    pub name: Label,
    /// How it is reached.
    pub settings: ProviderSettings,
    /// The new secret; none keeps the present one.
    pub secret: Option<AccountSecret>,
}

/// A provider as lists and its page show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRow {
    /// The provider.
    pub id: ProviderId,
    /// Its name.
    pub name: Label,
    /// How it is reached.
    pub settings: ProviderSettings,
    /// The domains whose records it keeps.
    pub domains: Vec<Domain>,
}

/// One thing that a test of a provider looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether it is as it must be.
    pub is_good: bool,
    /// What was looked at, and what to do when it is not as it must be.
    pub words: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_is_read_as_people_write_it() {
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
