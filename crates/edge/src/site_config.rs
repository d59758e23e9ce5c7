//! The site configuration that an agent receives: all input to rendering. It must not contain
//! secrets.

use std::{collections::BTreeSet, fmt, net::Ipv4Addr, str::FromStr};

use model::{
    Invalid, ServiceId,
    domains::Hsts,
    fingerprint::Fingerprint,
    names::{Domain, Label, SrvName},
    net::{AddressRange, Cidr, MacAddress, Port},
    origin::Origin,
    publish::{HttpOptions, IdleTimeoutS},
};
use serde::{Deserialize, Serialize};

/// A site configuration for one edge host. Lists have a stable order, so that equal sites render to
/// equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteConfig {
    /// The network's names and addresses.
    pub network: Network,
    /// Nodes and containers.
    pub hosts: Vec<DnsHost>,
    /// SRV records.
    pub records: Vec<Srv>,
    /// Domains with their HTTP services.
    pub domains: Vec<PublicDomain>,
    /// TCP and UDP services.
    pub streams: Vec<StreamService>,
    /// Responses to ACME HTTP-01 challenges.
    #[serde(default)]
    pub challenge_responses: Vec<ChallengeResponse>,
}

/// The response at `/.well-known/acme-challenge/TOKEN` under any hostname of the site (RFC 8555,
/// section 8.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeResponse {
    /// The challenge token.
    pub token: Base64Url,
    /// The account key's thumbprint. The response is the token, a dot, and this.
    pub thumbprint: Base64Url,
}

/// 1 to 200 characters of base64url without padding, which are safe as a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Base64Url(String);

impl FromStr for Base64Url {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if (1..=200).contains(&text.len()) && text.chars().all(is_allowed) {
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
    /// The domain of the site's hosts. dnsmasq never forwards queries for names in it.
    pub domain: Domain,
    /// The network.
    pub cidr: Cidr,
    /// The default gateway.
    pub gateway: Ipv4Addr,
    /// The site's DNS servers: this host and the site's other edge hosts.
    pub name_servers: Vec<Ipv4Addr>,
    /// Upstream resolvers for all other names.
    pub forwarders: Vec<Ipv4Addr>,
    /// DHCP settings if this host is the site's DHCP server.
    pub dhcp: Option<Dhcp>,
}

/// DHCP settings. Hosts with a MAC address have a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dhcp {
    /// The lease time in seconds; at least 120, dnsmasq's minimum.
    pub lease_s: u32,
    /// The dynamic range for unknown MAC addresses. Without a range they get no lease.
    pub others: Option<AddressRange>,
}

/// A DNS name within the site's domain with its address: a container or a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsHost {
    /// The name within the site's domain.
    pub name: Label,
    /// The IP address.
    pub address: Ipv4Addr,
    /// The MAC address if the host uses DHCP.
    pub mac: Option<MacAddress>,
}

/// An SRV record (RFC 2782). There is one target per service, so priority and weight are zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Srv {
    /// The service.
    pub id: ServiceId,
    /// The service's name within the site's domain.
    pub name: SrvName,
    /// The target host.
    pub host: Label,
    /// The port on the target host.
    pub port: Port,
}

/// A domain under which services are published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicDomain {
    /// The domain.
    pub name: Domain,
    /// The origin of the oauth2-proxy. Without it, services that require a sign-in deny all
    /// requests.
    pub sign_in: Option<Origin>,
    /// Whether services that require a sign-in receive the visitor's access token.
    #[serde(default)]
    pub forwards_access_token: bool,
    /// The HSTS policy.
    pub hsts: Hsts,
    /// The certificate for names without a service; none means the host's own.
    #[serde(default)]
    pub certificate: Option<Fingerprint>,
    /// HTTP services of the domain.
    pub services: Vec<HttpService>,
}

impl PublicDomain {
    /// The hostname of a service of this domain.
    pub fn hostname(&self, service: &HttpService) -> String {
        match &service.label {
            Some(label) => format!("{label}.{}", self.name),
            None => self.name.to_string(),
        }
    }
}

/// An HTTP service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpService {
    /// The service.
    pub id: ServiceId,
    /// The label below the domain; none means the domain itself.
    pub label: Option<Label>,
    /// The container's address.
    pub address: Ipv4Addr,
    /// The container port.
    pub port: Port,
    /// Publishing options.
    pub options: HttpOptions,
    /// The certificate; none means the host's own.
    #[serde(default)]
    pub certificate: Option<Fingerprint>,
}

/// A TCP or UDP port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamService {
    /// The service.
    pub id: ServiceId,
    /// The external port.
    pub external: Port,
    /// The container's address.
    pub address: Ipv4Addr,
    /// The container port.
    pub port: Port,
    /// The idle timeout.
    pub idle_timeout: IdleTimeoutS,
    /// TCP or UDP.
    pub transport: Transport,
    /// The hostname and certificate if nginx terminates TLS for the backend; ignored for UDP.
    #[serde(default)]
    pub tls: Option<Tls>,
}

/// TLS of a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The only hostname that clients may request (SNI, RFC 6066, section 3). Without this check, a
    /// wildcard certificate would make the port valid for the names of other services.
    pub hostname: Domain,
    /// The certificate; none means the host's own.
    #[serde(default)]
    pub certificate: Option<Fingerprint>,
}

impl SiteConfig {
    /// All certificates that the configuration refers to.
    pub fn certificates(&self) -> BTreeSet<&Fingerprint> {
        let domains = self.domains.iter();
        let services = domains.clone().flat_map(|domain| &domain.services);
        let streams = self.streams.iter();
        let streams = streams.filter_map(|stream| stream.tls.as_ref()?.certificate.as_ref());
        domains
            .filter_map(|domain| domain.certificate.as_ref())
            .chain(services.filter_map(|service| service.certificate.as_ref()))
            .chain(streams)
            .collect()
    }

    /// A copy in which each missing certificate is replaced with the one that `before` uses for the
    /// same domain or service, or with the host's own if that is missing too.
    #[must_use]
    pub fn without_certificates(&self, missing: &BTreeSet<Fingerprint>, before: &Self) -> Self {
        let mut result = self.clone();
        let replace = |certificate: &mut Option<Fingerprint>, old: Option<&Fingerprint>| {
            if certificate
                .as_ref()
                .is_some_and(|fingerprint| missing.contains(fingerprint))
            {
                *certificate = old.filter(|old| !missing.contains(old)).cloned();
            }
        };
        for domain in &mut result.domains {
            let old = before.domains.iter().find(|old| old.name == domain.name);
            let previous = old.and_then(|old| old.certificate.as_ref());
            replace(&mut domain.certificate, previous);
            for service in &mut domain.services {
                let candidates = old.into_iter().flat_map(|old| &old.services);
                let mut matches = candidates.filter(|old| old.label == service.label);
                let previous = matches.next().and_then(|old| old.certificate.as_ref());
                replace(&mut service.certificate, previous);
            }
        }
        for stream in &mut result.streams {
            let Some(tls) = &mut stream.tls else {
                continue;
            };
            let old = before.streams.iter().find(|old| old.id == stream.id);
            let old = old.and_then(|old| old.tls.as_ref()?.certificate.as_ref());
            replace(&mut tls.certificate, old);
        }
        result
    }
}

/// The protocol of a stream service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// TCP preceded by a header with the client address (PROXY protocol, version 1).
    TcpFromProxy,
    /// UDP.
    Udp,
}
