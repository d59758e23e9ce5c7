//! The layout of an edge host. The agent collects and reports it, so that the manager can render
//! the same bytes.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use model::{
    Invalid,
    clusters::Fingerprint,
    names::{InterfaceName, Username},
};
use serde::{Deserialize, Serialize};

/// Where things are on a host, and what its programs can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The link to the live generation.
    pub live: Place,
    /// Data that outlives generations: leases, caches.
    pub state: Place,
    /// Process ids.
    pub run: Place,
    /// Logs.
    pub log: Place,
    /// Certificates and their keys.
    pub tls: Place,
    /// The interface in the site's network: the only one that dnsmasq answers on.
    pub interface: InterfaceName,
    /// Whether the host has IPv6; nginx fails to start if it cannot listen on it.
    pub ipv6: bool,
    /// The host's own resolvers, which nginx uses at run time.
    pub resolvers: Vec<Ipv4Addr>,
    /// The user of nginx's workers.
    pub nginx_user: Username,
    /// The host's nginx.
    pub nginx: NginxBuild,
}

/// The name of a certificate's files without `.crt` and `.key`: that of the host's own, or its
/// fingerprint. One that is renewed has files of its own, so that no file changes while it is read.
pub fn certificate_name(certificate: Option<&Fingerprint>) -> String {
    match certificate {
        Some(print) => print.as_str().replace(':', "").to_ascii_lowercase(),
        None => "site".to_owned(),
    }
}

/// What a build of nginx can do (`nginx -V`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NginxBuild {
    /// Its version, such as 1.22.1.
    pub version: (u16, u16, u16),
    /// Whether it speaks HTTP/3 (`--with-http_v3_module`).
    pub http3: bool,
    /// The module for TCP and UDP, where it is a file of its own.
    pub stream_module: Option<Place>,
}

/// An absolute path of letters, digits, dots, hyphens and underscores: what neither program could
/// read as more than one word.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place(String);

impl Place {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Place {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let part =
            |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(plain);
        let parts = text.strip_prefix('/').map(|rest| rest.split('/').all(part));
        if parts == Some(true) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "Use an absolute path of letters, digits, dots, hyphens and underscores, such as /var/lib/holdfast-agent.",
            ))
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Place {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.0
    }
}
