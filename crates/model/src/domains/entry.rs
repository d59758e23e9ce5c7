//! The URLs of HTTP services under a domain.

use serde::{Deserialize, Serialize};

use crate::{
    names::Domain,
    net::Port,
    origin::{Origin, scheme_port},
};

/// The scheme and port of HTTP services under a domain. Edge hosts serve HTTPS on its default port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPoint {
    tls: bool,
    /// `None` is the scheme's default port.
    port: Option<Port>,
}

impl Default for EntryPoint {
    fn default() -> Self {
        Self {
            tls: true,
            port: None,
        }
    }
}

impl EntryPoint {
    /// The scheme and port of an origin.
    pub fn from_origin(origin: &Origin) -> Self {
        let (tls, port) = (origin.is_tls(), origin.port());
        Self {
            tls,
            port: (port.get() != scheme_port(tls)).then_some(port),
        }
    }

    /// `http` or `https`.
    pub fn scheme(self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// The URL of a host, such as `https://web.example.org`.
    pub fn url(self, host: &str) -> String {
        let scheme = self.scheme();
        match self.port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }
}

/// A domain, as a choice in forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainOption {
    /// The domain.
    pub name: Domain,
    /// The scheme and port of its HTTP services.
    #[serde(default)]
    pub entry: EntryPoint,
}

#[cfg(test)]
mod tests {
    use super::EntryPoint;

    fn url(origin: &str) -> String {
        EntryPoint::from_origin(&origin.parse().unwrap()).url("web.localhost")
    }

    #[test]
    fn url_omits_default_port() {
        assert_eq!(url("http://localhost:3000"), "http://web.localhost:3000");
        assert_eq!(url("http://localhost"), "http://web.localhost");
        assert_eq!(url("https://localhost:443"), "https://web.localhost");
        assert_eq!(url("https://localhost:80"), "https://web.localhost:80");
        assert_eq!(
            EntryPoint::default().url("web.example.org"),
            "https://web.example.org"
        );
    }
}
