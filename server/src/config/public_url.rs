//! The public URL. Links, cookies and the CSRF check depend only on it, never on the `Host` header,
//! which clients control.

use std::{fmt, str::FromStr};

use url::{Origin, Url};

/// An `http` or `https` origin: scheme, host and port, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: Origin,
    host: String,
    secure: bool,
}

impl PublicUrl {
    /// `localhost` with a port.
    pub(super) fn localhost(secure: bool, port: u16) -> Self {
        let host = "localhost".to_owned();
        let scheme = if secure { "https" } else { "http" };
        let origin = Origin::Tuple(scheme.to_owned(), url::Host::Domain(host.clone()), port);
        Self {
            origin,
            host,
            secure,
        }
    }

    /// Whether browsers use TLS, terminated here or by a proxy.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The value of the `Origin` header, such as `https://cloud.example.org`.
    pub fn origin(&self) -> String {
        self.origin.ascii_serialization()
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "use http:// or https:// and a host without a path, \
            such as https://cloud.example.org";
        let url: Url = text.trim().parse().map_err(|_| EXPECTED)?;
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let secure = url.scheme() == "https";
        match url.host_str() {
            Some(host) if is_bare && (secure || url.scheme() == "http") => Ok(Self {
                origin: url.origin(),
                host: host.to_owned(),
                secure,
            }),
            _ => Err(EXPECTED),
        }
    }
}
