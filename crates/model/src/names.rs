//! Names of hosts, users, nodes, storages and bridges. Each type holds only what the system that
//! uses it accepts. Must not check whether an object of that name exists.

mod qualified;
mod username;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use qualified::{ContainerNames, NamePurpose, QualifiedName};
pub use username::Username;

use crate::{error::Invalid, text::text_value};

/// Whether `text` is 1 to 63 ASCII letters, digits and hyphens, with no hyphen at either end (a
/// label of RFC 1123, section 2.1, in any case).
pub(crate) fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether the first character matches `first` and all others match `rest`.
pub(crate) fn is_word(
    text: &str,
    first: impl Fn(char) -> bool,
    rest: impl Fn(char) -> bool,
) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(first) && chars.all(rest)
}

/// A DNS label (RFC 1123) in lower case: the name of a container, a service or a site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);
text_value!(Label);

impl FromStr for Label {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        if !is_label(text) {
            return Err(Invalid::new(
                "Use 1 to 63 lowercase letters, digits and hyphens; start and end with a letter or digit.",
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// Names that software and users look up by convention. A container with such a name could
/// impersonate the directory, the sign-in page, a network service or the organization.
const RESERVED: [&str; 22] = [
    "auth",
    "autoconfig",
    "autodiscover",
    "dns",
    "gateway",
    "holdfast",
    "isatap",
    "kerberos",
    "localhost",
    "login",
    "mail",
    "mta-sts",
    "ns",
    "ns1",
    "ns2",
    "ntp",
    "oauth2",
    "router",
    "sso",
    "time",
    "wpad",
    "www",
];

impl Label {
    /// The name of this label in a domain; `None` if it is longer than 253 characters.
    pub fn below(&self, domain: &Domain) -> Option<Domain> {
        let name = format!("{self}.{domain}");
        (name.len() <= 253).then_some(Domain(name))
    }

    /// Whether only operators may assign the name: it starts with `ldap`, or is looked up by
    /// convention (such as `wpad`, where browsers find their proxy).
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("ldap") || RESERVED.contains(&self.as_str())
    }
}

/// A domain name in lower case and without a trailing dot, at most 253 characters.
///
/// The last label contains a non-digit, because browsers parse a host that ends in a number as an
/// IPv4 address (<https://url.spec.whatwg.org/#ends-in-a-number-checker>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);
text_value!(Domain);

impl FromStr for Domain {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        let text = text.strip_suffix('.').unwrap_or(text);
        let last = text.rsplit('.').next().unwrap_or_default();
        if text.len() > 253
            || !text.split('.').all(is_label)
            || last.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(Invalid::new(
                "Enter a domain such as example.org: letters, digits and hyphens between dots, at most 253 characters.",
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl Domain {
    /// Whether the name resolves to the loopback address: `localhost` and all names below it (RFC
    /// 6761, section 6.3).
    pub fn is_loopback(&self) -> bool {
        self.0 == "localhost" || self.0.ends_with(".localhost")
    }
}

/// A domain below which names are created: that of a site, or one that services are published
/// under. At most 132 characters, so that an [`SrvName`] or a label after `_acme-challenge` fits
/// before it (a name has at most 253 characters).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseDomain(Domain);

impl FromStr for BaseDomain {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let domain: Domain = text.parse()?;
        if domain.0.len() > 132 {
            return Err(Invalid::new("Enter a domain of at most 132 characters."));
        }
        Ok(Self(domain))
    }
}

impl From<BaseDomain> for Domain {
    fn from(domain: BaseDomain) -> Self {
        domain.0
    }
}

/// An email address without quoting or comments; the domain is in lower case.
///
/// At most 254 characters, of which at most 64 before the at sign (RFC 5321, section 4.5.3.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);
text_value!(EmailAddress);

impl FromStr for EmailAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("Enter an email address such as name@example.org.");
        let (local, domain) = text.trim_ascii().split_once('@').ok_or_else(invalid)?;
        // Rejects the at sign, white space, controls, and characters that RFC 5322 allows only in
        // quotes.
        let is_allowed =
            |c: char| !c.is_whitespace() && !c.is_control() && !r#"@<>()[]\,;:""#.contains(c);
        if local.is_empty() || local.len() > 64 || !local.chars().all(is_allowed) {
            return Err(invalid());
        }
        // The domain parser trims white space, which is invalid inside an address.
        if domain.starts_with(|c: char| c.is_ascii_whitespace()) {
            return Err(invalid());
        }
        let domain: Domain = domain.parse().map_err(|_| invalid())?;
        let text = format!("{local}@{domain}");
        if text.len() > 254 {
            Err(invalid())
        } else {
            Ok(Self(text))
        }
    }
}

/// The name of a Proxmox VE node (format `pve-node`), at most 63 characters because it is a
/// hostname.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);
text_value!(NodeName);

impl FromStr for NodeName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        if !is_label(text) {
            return Err(Invalid::new(
                "Enter a node name: 1 to 63 letters, digits and hyphens; start and end with a letter or digit.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name of a Proxmox VE storage (format `pve-storage-id`), at most 100 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StorageName(String);
text_value!(StorageName);

impl FromStr for StorageName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !(2..=100).contains(&text.len())
            || !is_word(text, |c| c.is_ascii_alphabetic(), rest)
            || !text.ends_with(|c: char| c.is_ascii_alphanumeric())
        {
            return Err(Invalid::new(
                "Enter a storage name: 2 to 100 letters, digits, dots, hyphens and underscores; start with a letter, end with a letter or digit.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name of a Linux bridge: at most 15 characters, because the kernel reserves 16 bytes
/// including the NUL terminator (`IFNAMSIZ`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BridgeName(String);
text_value!(BridgeName);

impl FromStr for BridgeName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        if !is_interface(text) {
            return Err(Invalid::new(
                "Enter a bridge name such as vmbr0: 1 to 15 letters, digits, dots, hyphens and underscores; start with a letter.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name of a network interface of an edge host, such as `eth1`; same format as a bridge name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);
text_value!(InterfaceName);

impl FromStr for InterfaceName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        if !is_interface(text) {
            return Err(Invalid::new(
                "Enter an interface name such as eth1: 1 to 15 letters, digits, dots, hyphens and underscores; start with a letter.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_interface(text: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.len() <= 15 && is_word(text, |c| c.is_ascii_alphabetic(), rest)
}

/// Services of infrastructure that clients find by SRV records: directories, Kerberos (RFC 4120),
/// Active Directory, Windows activation, mail (RFC 6186, RFC 8314), calendars (RFC 6764) and time.
const RESERVED_SERVICES: [&str; 19] = [
    "autodiscover",
    "caldav",
    "caldavs",
    "carddav",
    "carddavs",
    "gc",
    "imap",
    "imaps",
    "jmap",
    "kpasswd",
    "msdcs",
    "ntp",
    "pop3",
    "pop3s",
    "smtp",
    "smtps",
    "submission",
    "submissions",
    "vlmcs",
];

impl SrvName {
    /// Whether only operators may assign the name: one of its labels is a reserved label or names a
    /// service of infrastructure.
    pub fn is_reserved(&self) -> bool {
        self.0.split('.').any(|label| {
            let label = label.trim_start_matches('_');
            ["ldap", "kerberos"]
                .iter()
                .any(|start| label.starts_with(start))
                || RESERVED_SERVICES.contains(&label)
                || RESERVED.contains(&label)
        })
    }
}

/// The owner name of an SRV record within a site's domain (RFC 2782): labels separated by dots,
/// at most 63 characters with an optional leading underscore, such as `_sip._tcp` or `db`. In lower
/// case, at most 120 characters, so that it fits before a [`BaseDomain`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SrvName(String);
text_value!(SrvName);

impl FromStr for SrvName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        let part =
            |part: &str| part.len() <= 63 && is_label(part.strip_prefix('_').unwrap_or(part));
        if text.len() > 120 || !text.split('.').all(part) {
            return Err(Invalid::new(
                "Enter an SRV name such as _sip._tcp: labels of at most 63 letters, digits and hyphens, each with an optional leading underscore; at most 120 characters in all.",
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}
