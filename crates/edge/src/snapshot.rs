//! What a site should be, as an agent is told: everything that its files are made of, and nothing
//! that is a secret.

use std::net::Ipv4Addr;

use model::{
    ServiceId,
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
