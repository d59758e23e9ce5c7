//! The origin of a web server, formatted as one nginx token.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Invalid,
    names::Domain,
    net::{Port, parse_ipv4},
    text::by_text,
};

/// The origin of a web server: `https://login.example.org` or `http://10.20.0.5:4180`, without a
/// path, and without the scheme's default port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    tls: bool,
    host: Host,
    port: Port,
}
by_text!(Origin);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Host {
    Name(Domain),
    Address(Ipv4Addr),
}

impl Origin {
    /// Whether the scheme is `https`.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host without the port.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Name(name) => name.to_string(),
            Host::Address(address) => address.to_string(),
        }
    }

    /// The hostname; `None` if the host is an IP address.
    pub fn name(&self) -> Option<&Domain> {
        match &self.host {
            Host::Name(name) => Some(name),
            Host::Address(_) => None,
        }
    }

    /// Whether the host is a loopback name or address (RFC 6761, RFC 1122).
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Name(name) => name.as_str() == "localhost",
            Host::Address(address) => address.is_loopback(),
        }
    }

    /// The port; the scheme's default if none was given.
    pub fn port(&self) -> Port {
        self.port
    }
}

pub(crate) fn scheme_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

impl FromStr for Origin {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid =
            || Invalid::new("Enter a URL without a path, such as https://login.example.org.");
        let (scheme, rest) = text.trim_ascii().split_once("://").ok_or_else(invalid)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(invalid()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| invalid())?),
            None => (rest, scheme_port(tls).try_into()?),
        };
        // The parsers of names and addresses trim white space, which is invalid inside a URL.
        if host.contains(|c: char| c.is_ascii_whitespace()) {
            return Err(invalid());
        }
        let host = match parse_ipv4(host) {
            Ok(address) => Host::Address(address),
            Err(_) => Host::Name(host.parse().map_err(|_| invalid())?),
        };
        Ok(Self { tls, host, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "https://" } else { "http://" })?;
        match &self.host {
            Host::Name(name) => name.fmt(f)?,
            Host::Address(address) => address.fmt(f)?,
        }
        if self.port.get() == scheme_port(self.tls) {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}
