//! Assembles the site configuration for edge hosts from the desired state in the database. It
//! contains no secrets, and equal sites produce equal configurations.

use std::{collections::BTreeMap, net::Ipv4Addr};

use edge::{
    ChallengeResponse, Dhcp, DnsHost, HttpService, Network, PublicDomain, SiteConfig, Srv,
    StreamService, Tls, Transport,
};
use model::{
    Error, Kind, ServiceId, SiteId,
    certificates::CertificateSource,
    domains::DomainRow,
    fingerprint::Fingerprint,
    names::{Domain, Label, NodeName},
    net::Port,
    permissions::{Permit, SiteRead},
    publish::{HttpOptions, IdleTimeoutS},
    services::{ServiceEndpoint, ServiceView, TcpOptions, TlsName},
};
use store::{certificates::IssuedCertificate, containers::SiteContainer, sites::SiteRecord};

use crate::{Actor, Control, certificates::select_certificate, failure::StoreResultExt as _};

/// The lease time in seconds. DHCP clients renew after half of it.
const LEASE_S: u32 = 12 * 60 * 60;

/// The role of one edge host in its site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeRole {
    /// The addresses of all edge hosts of the site, which serve DNS for its names.
    pub name_servers: Vec<Ipv4Addr>,
    /// Whether this edge host is the DHCP server.
    pub dhcp: bool,
}

/// Returns the site configuration of an edge host, for operators to inspect. The number of database
/// statements is constant.
///
/// # Errors
/// [`Error::NotFound`] when the site does not exist.
pub async fn preview(
    control: &Control,
    actor: &Actor,
    site: SiteId,
    role: EdgeRole,
) -> Result<SiteConfig, Error> {
    let _: Permit<SiteRead> = actor.permit()?;
    load(control, site, &role).await
}

pub(crate) async fn load(
    control: &Control,
    site: SiteId,
    role: &EdgeRole,
) -> Result<SiteConfig, Error> {
    let rows = control
        .store()
        .read(move |c| {
            let Some(record) = store::sites::get(c, site)? else {
                return Ok(None);
            };
            Ok(Some(SiteRows {
                nodes: store::nodes::list_addresses(c, record.spec.cluster)?,
                containers: store::containers::list_with_services(c, site)?,
                domains: store::domains::list_by_site(c, site)?,
                certificates: store::certificates::list_issued_by_site(c, site)?,
                challenges: store::challenges::list_by_site(c, site)?,
                record,
            }))
        })
        .await
        .into_model("assemble site configuration")?;
    let rows = rows.ok_or(Error::not_found(Kind::Site))?;
    Ok(assemble(rows, role))
}

/// The database rows of a site.
struct SiteRows {
    record: SiteRecord,
    nodes: BTreeMap<NodeName, Ipv4Addr>,
    containers: Vec<SiteContainer>,
    domains: Vec<DomainRow>,
    certificates: Vec<IssuedCertificate>,
    challenges: Vec<store::challenges::ChallengeResponse>,
}

fn assemble(rows: SiteRows, role: &EdgeRole) -> SiteConfig {
    let SiteRows {
        record,
        nodes,
        containers,
        domains,
        certificates,
        challenges,
    } = rows;
    let certificates = Certificates {
        served: certificates,
        domains: &domains,
    };
    let mut config = SiteConfig {
        network: network(&record, role),
        hosts: Vec::new(),
        records: Vec::new(),
        domains: domains
            .iter()
            .map(|domain| public_domain(domain, &certificates))
            .collect(),
        streams: Vec::new(),
        challenge_responses: challenges.iter().filter_map(challenge_response).collect(),
    };
    for container in containers {
        for service in &container.services {
            publish(&mut config, &container, service, &certificates);
        }
        config.hosts.push(DnsHost {
            name: container.name,
            address: container.address,
            mac: Some(container.mac),
        });
    }
    config.hosts.extend(node_hosts(nodes, &config.hosts));
    config
}

/// The nodes as DNS hosts. A container that had the name first keeps it.
fn node_hosts(nodes: BTreeMap<NodeName, Ipv4Addr>, hosts: &[DnsHost]) -> Vec<DnsHost> {
    let host = |(node, address): (NodeName, Ipv4Addr)| {
        let name = node.as_str().parse().ok()?;
        let is_taken = hosts.iter().any(|host| host.name == name);
        (!is_taken).then_some(DnsHost {
            name,
            address,
            mac: None,
        })
    };
    nodes.into_iter().filter_map(host).collect()
}

fn network(site: &SiteRecord, role: &EdgeRole) -> Network {
    let spec = &site.spec;
    Network {
        domain: spec.domain.clone(),
        cidr: spec.network,
        gateway: spec.gateway,
        name_servers: role.name_servers.clone(),
        forwarders: spec.forwarders.addresses().to_vec(),
        dhcp: role.dhcp.then_some(Dhcp {
            lease_s: LEASE_S,
            others: spec.dynamic_range,
        }),
    }
}

fn public_domain(domain: &DomainRow, certificates: &Certificates<'_>) -> PublicDomain {
    // For names without a service, a wildcard certificate of the domain is the best match.
    let unpublished = format!("nothing.{}", domain.spec.name);
    PublicDomain {
        name: domain.spec.name.clone(),
        sign_in: domain.spec.sign_in.clone(),
        forwards_access_token: domain.spec.forwards_access_token,
        hsts: domain.spec.hsts,
        certificate: certificates.for_host(domain, &unpublished),
        services: Vec::new(),
    }
}

/// The certificates and domains of a site.
struct Certificates<'a> {
    served: Vec<IssuedCertificate>,
    domains: &'a [DomainRow],
}

impl Certificates<'_> {
    /// The certificate for a host; `None` where edge hosts serve a self-signed certificate.
    fn for_host(&self, domain: &DomainRow, host: &str) -> Option<Fingerprint> {
        if domain.spec.certificate_source == CertificateSource::SelfSigned {
            return None;
        }
        select_certificate(&self.served, domain, host).map(|it| it.fingerprint.clone())
    }

    fn for_domain(&self, domain: &Domain, host: &str) -> Option<Fingerprint> {
        let domain = self.domains.iter().find(|it| it.spec.name == *domain)?;
        self.for_host(domain, host)
    }
}

/// The HTTP-01 challenge response. The token and the thumbprint come from the CA's challenge.
fn challenge_response(stored: &store::challenges::ChallengeResponse) -> Option<ChallengeResponse> {
    let (_, thumbprint) = stored.key_authorization.split_once('.')?;
    Some(ChallengeResponse {
        token: stored.token.parse().ok()?,
        thumbprint: thumbprint.parse().ok()?,
    })
}

/// TLS of a port; `None` if the hostname is too long.
fn stream_tls(name: &TlsName, certificates: &Certificates<'_>) -> Option<Tls> {
    let TlsName { label, domain } = name;
    let hostname = label.below(domain)?;
    let certificate = certificates.for_domain(domain, hostname.as_str());
    Some(Tls {
        hostname,
        certificate,
    })
}

/// Adds a service to the section for its kind.
fn publish(
    config: &mut SiteConfig,
    container: &SiteContainer,
    service: &ServiceView,
    certificates: &Certificates<'_>,
) {
    let backend = Backend {
        service: service.id,
        address: container.address,
        port: service.port,
    };
    match &service.published {
        ServiceEndpoint::Http {
            label,
            domain,
            options,
        } => {
            let certificate = certificates.for_domain(domain, &format!("{label}.{domain}"));
            let mut domains = config.domains.iter_mut();
            if let Some(served_domain) = domains.find(|served| served.name == *domain) {
                served_domain
                    .services
                    .push(backend.http(label, *options, certificate));
            }
        }
        ServiceEndpoint::Tcp {
            external,
            options,
            tls,
        } => config
            .streams
            .extend(backend.tcp(*external, options, tls.as_ref(), certificates)),
        ServiceEndpoint::Udp {
            external,
            idle_timeout,
        } => config.streams.push(backend.udp(*external, *idle_timeout)),
        ServiceEndpoint::Srv { name } => config.records.push(Srv {
            id: service.id,
            name: name.clone(),
            host: container.name.clone(),
            port: service.port,
        }),
    }
}

/// The container and port that edge hosts forward a service to.
#[derive(Clone, Copy)]
struct Backend {
    service: ServiceId,
    address: Ipv4Addr,
    port: Port,
}

impl Backend {
    fn http(
        self,
        label: &Label,
        options: HttpOptions,
        certificate: Option<Fingerprint>,
    ) -> HttpService {
        HttpService {
            id: self.service,
            label: Some(label.clone()),
            address: self.address,
            port: self.port,
            options,
            certificate,
        }
    }

    /// A TCP port; `None` if its TLS hostname is too long. Without TLS, clients would send their
    /// data in plain text.
    fn tcp(
        self,
        external: Port,
        options: &TcpOptions,
        tls: Option<&TlsName>,
        certificates: &Certificates<'_>,
    ) -> Option<StreamService> {
        let tls = match tls {
            Some(name) => Some(stream_tls(name, certificates)?),
            None => None,
        };
        let transport = if options.proxy_protocol {
            Transport::TcpFromProxy
        } else {
            Transport::Tcp
        };
        Some(StreamService {
            id: self.service,
            external,
            address: self.address,
            port: self.port,
            idle_timeout: options.idle_timeout,
            transport,
            tls,
        })
    }

    fn udp(self, external: Port, idle_timeout: IdleTimeoutS) -> StreamService {
        StreamService {
            id: self.service,
            external,
            address: self.address,
            port: self.port,
            idle_timeout,
            transport: Transport::Udp,
            tls: None,
        }
    }
}
