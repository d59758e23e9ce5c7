//! Fully qualified names and what they are used for. Must not check who holds a name.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::{Domain, Label, SrvName};
use crate::{
    error::Invalid,
    services::{ServiceEndpoint, TlsName},
};

/// A fully qualified name below a domain of a site, in lower case and without a trailing dot.
/// Unlike in a [`Domain`], labels may start with an underscore, as those of SRV records do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName(String);

impl QualifiedName {
    /// `label.domain`.
    pub fn of_label(label: &Label, domain: &Domain) -> Self {
        Self(format!("{label}.{domain}"))
    }

    /// The owner name of an SRV record in a site's domain.
    pub fn of_srv(name: &SrvName, domain: &Domain) -> Self {
        Self(format!("{name}.{domain}"))
    }

    /// `prefix` below this name.
    #[must_use]
    pub fn with_prefix(&self, prefix: &SrvName) -> Self {
        Self(format!("{prefix}.{self}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names above this one that are still below `domain`: for `_http._tcp.web.example.org`,
    /// `_tcp.web.example.org` and `web.example.org`.
    pub fn parents(&self, domain: &Domain) -> Vec<Self> {
        let above = |name: &str| name.split_once('.').map(|(_, above)| above.to_owned());
        let is_below = |name: &String| name.len() > domain.as_str().len();
        std::iter::successors(above(&self.0), |name| above(name))
            .take_while(is_below)
            .map(Self)
            .collect()
    }
}

impl From<&Domain> for QualifiedName {
    fn from(domain: &Domain) -> Self {
        Self(domain.to_string())
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a name is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamePurpose {
    /// The address of a container in its site.
    Container,
    /// The hostname of an HTTP service or of a port with TLS.
    Hostname,
    /// An SRV record.
    Srv,
    /// A host of the site.
    Host,
    /// The address of a node.
    Node,
    /// A domain that the site publishes under.
    Domain,
}

impl NamePurpose {
    /// Every purpose.
    pub const ALL: [Self; 6] = [
        Self::Container,
        Self::Hostname,
        Self::Srv,
        Self::Host,
        Self::Node,
        Self::Domain,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Hostname => "hostname",
            Self::Srv => "srv",
            Self::Host => "host",
            Self::Node => "node",
            Self::Domain => "domain",
        }
    }

    /// What has the name, to begin a message: "A container".
    pub fn holder(self) -> &'static str {
        match self {
            Self::Container | Self::Hostname | Self::Srv => "A container",
            Self::Host => "A host",
            Self::Node => "A node of the cluster",
            Self::Domain => "A domain of the site",
        }
    }
}

impl FromStr for NamePurpose {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
            .ok_or(Invalid::new("Use a purpose of names."))
    }
}

/// The names of one container, each with the purpose that was added first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerNames(BTreeMap<QualifiedName, NamePurpose>);

impl ContainerNames {
    /// The name of a container in its site's domain.
    pub fn new(name: &Label, site: &Domain) -> Self {
        let name = QualifiedName::of_label(name, site);
        Self(BTreeMap::from([(name, NamePurpose::Container)]))
    }

    /// Adds the name of a published service; a port without TLS has none.
    pub fn add_service(&mut self, service: &ServiceEndpoint, site: &Domain) {
        match service {
            ServiceEndpoint::Http { label, domain, .. }
            | ServiceEndpoint::Tcp {
                tls: Some(TlsName { label, domain }),
                ..
            } => self.add(
                QualifiedName::of_label(label, domain),
                NamePurpose::Hostname,
            ),
            ServiceEndpoint::Srv { name } => {
                self.add(QualifiedName::of_srv(name, site), NamePurpose::Srv);
            }
            ServiceEndpoint::Tcp { tls: None, .. } | ServiceEndpoint::Udp { .. } => {}
        }
    }

    /// Adds a name.
    pub fn add(&mut self, name: QualifiedName, purpose: NamePurpose) {
        self.0.entry(name).or_insert(purpose);
    }

    /// The names with their purposes.
    pub fn iter(&self) -> impl Iterator<Item = (&QualifiedName, NamePurpose)> {
        self.0.iter().map(|(name, purpose)| (name, *purpose))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn parents_end_below_the_domain() {
        let domain = "lab.example.org".parse().unwrap();
        let name = |text: &str| QualifiedName::of_srv(&text.parse().unwrap(), &domain);
        let parents = name("_http._tcp.web").parents(&domain);
        assert_eq!(parents, [name("_tcp.web"), name("web")]);
        assert!(name("web").parents(&domain).is_empty());
    }

    #[test]
    fn every_purpose_is_parsed_from_its_word() {
        for purpose in NamePurpose::ALL {
            assert_eq!(purpose.as_str().parse(), Ok(purpose));
        }
    }

    #[test]
    fn hostname_of_the_container_itself_is_one_name() {
        let site: Domain = "lab.example.org".parse().unwrap();
        let mut names = ContainerNames::new(&"web".parse().unwrap(), &site);
        names.add_service(
            &ServiceEndpoint::Http {
                label: "web".parse().unwrap(),
                domain: site.clone(),
                options: Default::default(),
            },
            &site,
        );
        let all: Vec<_> = names
            .iter()
            .map(|(name, purpose)| (name.as_str(), purpose))
            .collect();
        assert_eq!(all, [("web.lab.example.org", NamePurpose::Container)]);
    }
}
