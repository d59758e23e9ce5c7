//! The address that people use. Links, cookies and the check of where a request comes from
//! depend on it alone, never on the `Host` header, which anybody can write.

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
    /// This machine, for people who sit at it.
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

    /// Whether people reach it through TLS, here or at a proxy.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host's name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// As browsers write it in `Origin`, such as `https://cloud.example.org`.
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
        const RIGHT: &str = "use http:// or https:// and a host without a path, \
            such as https://cloud.example.org";
        let url: Url = text.trim().parse().map_err(|_| RIGHT)?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let secure = url.scheme() == "https";
        match url.host_str() {
            Some(host) if bare && (secure || url.scheme() == "http") => Ok(Self {
                origin: url.origin(),
                host: host.to_owned(),
                secure,
            }),
            _ => Err(RIGHT),
        }
    }
}
