//! Names in certificates: hostnames and wildcards.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Invalid, names::Domain, text::text_value};

/// A name in a certificate: a domain, or `*.` and a domain for all names directly below it (RFC
/// 6125, section 6.4.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CertificateName(String);
text_value!(CertificateName);

impl CertificateName {
    /// The wildcard for all names directly below a domain.
    pub fn wildcard(domain: &Domain) -> Self {
        Self(format!("*.{domain}"))
    }

    /// Whether the certificate name matches this host.
    pub fn covers(&self, host: &str) -> bool {
        match self.0.strip_prefix("*.") {
            Some(above) => host
                .split_once('.')
                .is_some_and(|(first, rest)| !first.is_empty() && rest == above),
            None => self.0 == host,
        }
    }

    /// The domain without `*.`.
    pub fn domain(&self) -> &str {
        self.0.strip_prefix("*.").unwrap_or(&self.0)
    }
}

impl From<&Domain> for CertificateName {
    fn from(domain: &Domain) -> Self {
        Self(domain.to_string())
    }
}

impl FromStr for CertificateName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        let (star, rest) = match text.strip_prefix("*.") {
            Some(rest) => ("*.", rest),
            None => ("", text),
        };
        let domain: Domain = rest.parse()?;
        Ok(Self(format!("{star}{domain}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> CertificateName {
        text.parse().unwrap()
    }

    #[test]
    fn wildcard_covers_exactly_one_label() {
        let star = name("*.Example.org");
        assert_eq!(star.as_str(), "*.example.org");
        assert!(star.covers("web-1.example.org"));
        for other in [
            "example.org",
            "a.b.example.org",
            ".example.org",
            "web.example.com",
        ] {
            assert!(!star.covers(other), "{other}");
        }
        assert!(name("example.org").covers("example.org"));
        assert!(!name("example.org").covers("www.example.org"));
        for text in ["*", "*.", "a.*.org", "*example.org", "**.example.org"] {
            assert!(text.parse::<CertificateName>().is_err(), "{text}");
        }
    }
}
