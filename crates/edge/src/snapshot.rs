//! What a site should be, as an agent is told: everything that its files are made of, and nothing
//! that is a secret.

use std::{collections::BTreeSet, fmt, net::Ipv4Addr, str::FromStr};

use model::{
    Invalid, ServiceId,
    clusters::Fingerprint,
    domains::{Hsts, Origin},
    names::{Domain, Label, SrvName},
    net::{AddressRange, Cidr, Mac, Port},
    publish::{HttpOptions, QuietS},
};
use serde::{Deserialize, Serialize};

/// A site as one of its edge hosts should serve it. Lists are in an order that does not change by
/// itself, so that equal sites make equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The network's names and addresses.
    pub network: Network,
    /// Nodes and containers.
    pub hosts: Vec<Host>,
    /// Where services are found by name.
    pub records: Vec<Srv>,
    /// What is published under names.
    pub domains: Vec<PublicDomain>,
    /// What is published on ports.
    pub streams: Vec<StreamService>,
    /// What is said to authorities that ask whose a name is.
    #[serde(default)]
    pub answers: Vec<Answer>,
}

/// What an authority is told at `/.well-known/acme-challenge/TOKEN` under any name of the site's
/// domains (RFC 8555, section 8.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The last part of the address.
    pub token: Base64Url,
    /// The answer before the dot is the token again; this is what follows.
    pub thumbprint: Base64Url,
}

/// 1 to 200 characters of base64url without padding: what names no other file, whatever it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Base64Url(String);

impl FromStr for Base64Url {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if (1..=200).contains(&text.len()) && text.chars().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("Use 1 to 200 characters of base64url."))
        }
    }
}

impl fmt::Display for Base64Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Base64Url {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Base64Url> for String {
    fn from(text: Base64Url) -> Self {
        text.0
    }
}

/// The site's own network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The domain of its hosts; answered here alone.
    pub domain: Domain,
    /// The network.
    pub cidr: Cidr,
    /// The way out.
    pub gateway: Ipv4Addr,
    /// Who answers names here: this host, and the site's others.
    pub name_servers: Vec<Ipv4Addr>,
    /// Who is asked for all other names.
    pub forwarders: Vec<Ipv4Addr>,
    /// Whether this host gives out addresses, and to whom; none on all hosts of a site but one.
    pub dhcp: Option<Dhcp>,
}

/// How addresses are given out. Hosts with a hardware address get their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dhcp {
    /// For how many seconds; at least 120, which is dnsmasq's least.
    pub lease_s: u32,
    /// The addresses for machines that the site does not know; none means that they get none.
    pub others: Option<AddressRange>,
}

/// A host of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its name within the site's domain.
    pub name: Label,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address, when it asks for its address here.
    pub mac: Option<Mac>,
}

/// Where a service of the site is found by its name (RFC 2782). There is one place for each, so
/// that priority and weight are zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Srv {
    /// The service's name within the site's domain.
    pub name: SrvName,
    /// The host that offers it.
    pub host: Label,
    /// Its port there.
    pub port: Port,
}

/// A domain under which services are published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicDomain {
    /// The domain.
    pub name: Domain,
    /// Where its oauth2-proxy answers; without it, services that want a sign-in are refused.
    pub sign_in: Option<Origin>,
    /// What browsers remember of its TLS.
    pub hsts: Hsts,
    /// The certificate of names where nothing is published; none means the host's own.
    #[serde(default)]
    pub certificate: Option<Fingerprint>,
    /// Its services.
    pub services: Vec<HttpService>,
}

impl PublicDomain {
    /// The name of one of its services.
    pub fn host(&self, service: &HttpService) -> String {
        match &service.label {
            Some(label) => format!("{label}.{}", self.name),
            None => self.name.to_string(),
        }
    }
}

/// A web service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpService {
    /// The service.
    pub id: ServiceId,
    /// Its name before the domain; none means the domain itself.
    pub label: Option<Label>,
    /// The container's address.
    pub address: Ipv4Addr,
    /// The port inside the container.
    pub port: Port,
    /// How it is published.
    pub options: HttpOptions,
    /// Its certificate; none means the host's own.
    #[serde(default)]
    pub certificate: Option<Fingerprint>,
}

/// A TCP or UDP port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamService {
    /// The service.
    pub id: ServiceId,
    /// The edge host's port.
    pub external: Port,
    /// The container's address.
    pub address: Ipv4Addr,
    /// The port inside the container.
    pub port: Port,
    /// How long it may be quiet.
    pub quiet: QuietS,
    /// TCP or UDP.
    pub transport: Transport,
    /// Whether it is reached through TLS, of which its container sees nothing. TCP only.
    #[serde(default)]
    pub tls: Option<Tls>,
}

/// The certificate of a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// The host's own.
    Own,
    /// This one.
    With(Fingerprint),
}

impl Snapshot {
    /// Every certificate that is named.
    pub fn certificates(&self) -> BTreeSet<&Fingerprint> {
        let domains = self.domains.iter();
        let services = domains.clone().flat_map(|domain| &domain.services);
        let streams = self.streams.iter().filter_map(|stream| match &stream.tls {
            Some(Tls::With(certificate)) => Some(certificate),
            Some(Tls::Own) | None => None,
        });
        domains
            .filter_map(|domain| domain.certificate.as_ref())
            .chain(services.filter_map(|service| service.certificate.as_ref()))
            .chain(streams)
            .collect()
    }

    /// The same with other certificates in the place of those that cannot be had: what the same
    /// name had `before`, or else the host's own.
    #[must_use]
    pub fn without_certificates(&self, missing: &BTreeSet<Fingerprint>, before: &Self) -> Self {
        let mut rest = self.clone();
        let replace = |certificate: &mut Option<Fingerprint>, old: Option<&Fingerprint>| {
            if certificate.as_ref().is_some_and(|it| missing.contains(it)) {
                *certificate = old.filter(|old| !missing.contains(old)).cloned();
            }
        };
        for domain in &mut rest.domains {
            let old = before.domains.iter().find(|old| old.name == domain.name);
            let of_domain = old.and_then(|old| old.certificate.as_ref());
            replace(&mut domain.certificate, of_domain);
            for service in &mut domain.services {
                let known = old.into_iter().flat_map(|old| &old.services);
                let mut known = known.filter(|old| old.label == service.label);
                let certificate = known.next().and_then(|old| old.certificate.as_ref());
                replace(&mut service.certificate, certificate);
            }
        }
        for stream in &mut rest.streams {
            let Some(Tls::With(certificate)) = &stream.tls else {
                continue;
            };
            let mut certificate = Some(certificate.clone());
            let old = before.streams.iter().find(|old| old.id == stream.id);
            let old = old.and_then(|old| match &old.tls {
                Some(Tls::With(certificate)) => Some(certificate),
                Some(Tls::Own) | None => None,
            });
            replace(&mut certificate, old);
            stream.tls = Some(certificate.map_or(Tls::Own, Tls::With));
        }
        rest
    }
}

/// What is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP as it comes.
    Tcp,
    /// TCP with a line before it that says where the client is (the PROXY protocol, version 1).
    TcpFromProxy,
    /// UDP.
    Udp,
}
