//! The layout of an edge host. The agent collects and reports it, so that the manager can render
//! the same bytes.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use model::{
    Invalid,
    fingerprint::Fingerprint,
    names::{InterfaceName, Username},
};
use serde::{Deserialize, Serialize};

/// Paths on a host and the capabilities of its programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The symbolic link to the live generation.
    pub live: ConfigPath,
    /// The directory for data that is kept across generations: leases, caches.
    pub state: ConfigPath,
    /// The directory for PID files.
    pub run: ConfigPath,
    /// The directory for logs.
    pub log: ConfigPath,
    /// The directory for certificates and their keys.
    pub tls: ConfigPath,
    /// The interface in the site's network, the only one that dnsmasq listens on.
    pub interface: InterfaceName,
    /// Whether the host has IPv6. nginx does not start if it cannot bind an IPv6 address.
    pub ipv6: bool,
    /// The host's resolvers, which nginx uses at run time.
    pub resolvers: Vec<Ipv4Addr>,
    /// The user that nginx workers run as.
    pub nginx_user: Username,
    /// The nginx build of the host.
    pub nginx: NginxBuild,
}

/// The file name of a certificate without `.crt` or `.key`: its fingerprint, or `site` for the
/// host's own certificate. A renewed certificate gets new files, so no file changes while nginx
/// reads it.
pub fn certificate_file_stem(certificate: Option<&Fingerprint>) -> String {
    match certificate {
        Some(fingerprint) => fingerprint.as_str().replace(':', "").to_ascii_lowercase(),
        None => "site".to_owned(),
    }
}

/// The capabilities of an nginx build (`nginx -V`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NginxBuild {
    /// The version, such as 1.22.1.
    pub version: (u16, u16, u16),
    /// Whether HTTP/3 is supported (`--with-http_v3_module`).
    pub http3: bool,
    /// The path of the stream module (TCP and UDP) if it is a dynamic module.
    pub stream_module: Option<ConfigPath>,
}

/// An absolute path of letters, digits, dots, hyphens and underscores. nginx and dnsmasq both read
/// it as one word without quotes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConfigPath(String);

impl ConfigPath {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConfigPath {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let is_valid = |segment: &str| {
            !segment.is_empty()
                && segment != "."
                && segment != ".."
                && segment.chars().all(is_allowed)
        };
        let relative = text.strip_prefix('/');
        if relative.is_some_and(|path| path.split('/').all(is_valid)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "Use an absolute path with letters, digits, dots, hyphens and underscores, such \
                    as /var/lib/holdfast-agent.",
            ))
        }
    }
}

impl fmt::Display for ConfigPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ConfigPath {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<ConfigPath> for String {
    fn from(path: ConfigPath) -> Self {
        path.0
    }
}
