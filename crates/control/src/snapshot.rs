//! What a site's edge hosts should serve, from what should be in the database. Nobody's secret is in
//! it, and equal sites make equal snapshots.

use std::{collections::BTreeMap, net::Ipv4Addr};

use edge::{
    Dhcp, Host, HttpService, Network, PublicDomain, Snapshot, Srv, StreamService, Transport,
};
use model::{Error, Kind, SiteId, domains::DomainRow, names::NodeName, services::Published};
use store::{containers::SiteHost, sites::SiteRecord};

use crate::{Actor, Control, failure::Told as _};

/// How long an address is lent, in seconds. A container asks again after half of it.
const LEASE_S: u32 = 12 * 60 * 60;

/// What one edge host is of its site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The addresses of all the site's edge hosts, where its names are answered.
    pub name_servers: Vec<Ipv4Addr>,
    /// Whether this one gives out addresses.
    pub dhcp: bool,
}

/// The site as one of its edge hosts should serve it, for those who run it to look at. Five
/// statements, however much there is.
///
/// # Errors
/// [`Error::NotFound`] when there is no such site.
pub async fn preview(
    control: &Control,
    actor: &Actor,
    site: SiteId,
    part: Part,
) -> Result<Snapshot, Error> {
    actor.require_operator()?;
    of_site(control, site, &part).await
}

pub(crate) async fn of_site(
    control: &Control,
    site: SiteId,
    part: &Part,
) -> Result<Snapshot, Error> {
    let found = control
        .store()
        .read(move |c| {
            let Some(record) = store::sites::get(c, site)? else {
                return Ok(None);
            };
            Ok(Some(Found {
                nodes: store::nodes::addresses(c, record.spec.cluster)?,
                hosts: store::containers::of_site(c, site)?,
                domains: store::domains::of_site(c, site)?,
                record,
            }))
        })
        .await
        .told("snapshot")?;
    let found = found.ok_or(Error::NotFound { kind: Kind::Site })?;
    Ok(assemble(found, part))
}

/// What the database has of a site.
struct Found {
    record: SiteRecord,
    nodes: BTreeMap<NodeName, Ipv4Addr>,
    hosts: Vec<SiteHost>,
    domains: Vec<DomainRow>,
}

fn assemble(found: Found, part: &Part) -> Snapshot {
    let Found {
        record,
        nodes,
        hosts,
        domains,
    } = found;
    let mut snapshot = Snapshot {
        network: network(&record, part),
        hosts: Vec::new(),
        records: Vec::new(),
        domains: domains.into_iter().map(public).collect(),
        streams: Vec::new(),
    };
    for host in hosts {
        for service in &host.services {
            publish(&mut snapshot, &host, service);
        }
        snapshot.hosts.push(Host {
            name: host.name,
            address: host.address,
            mac: Some(host.mac),
        });
    }
    snapshot.hosts.extend(named(nodes, &snapshot.hosts));
    snapshot
}

/// The nodes under their names. A container that had the name before the node came keeps it.
fn named(nodes: BTreeMap<NodeName, Ipv4Addr>, hosts: &[Host]) -> Vec<Host> {
    let host = |(node, address): (NodeName, Ipv4Addr)| {
        let name = node.as_str().parse().ok()?;
        let is_taken = hosts.iter().any(|host| host.name == name);
        (!is_taken).then_some(Host {
            name,
            address,
            mac: None,
        })
    };
    nodes.into_iter().filter_map(host).collect()
}

fn network(site: &SiteRecord, part: &Part) -> Network {
    let spec = &site.spec;
    Network {
        domain: spec.domain.clone(),
        cidr: spec.network,
        gateway: spec.gateway,
        name_servers: part.name_servers.clone(),
        forwarders: spec.forwarders.addresses().to_vec(),
        dhcp: part.dhcp.then_some(Dhcp {
            lease_s: LEASE_S,
            others: spec.others,
        }),
    }
}

fn public(domain: DomainRow) -> PublicDomain {
    PublicDomain {
        name: domain.spec.name,
        sign_in: domain.spec.sign_in,
        hsts: domain.spec.hsts,
        services: Vec::new(),
    }
}

/// Adds a service where its kind belongs.
fn publish(snapshot: &mut Snapshot, host: &SiteHost, service: &model::services::ServiceView) {
    let (id, address, port) = (service.id, host.address, service.port);
    let stream = |external, quiet, transport| StreamService {
        id,
        external,
        address,
        port,
        quiet,
        transport,
    };
    match &service.published {
        Published::Http {
            label,
            domain,
            options,
        } => {
            let under = snapshot
                .domains
                .iter_mut()
                .find(|under| under.name == *domain);
            if let Some(under) = under {
                under.services.push(HttpService {
                    id,
                    label: Some(label.clone()),
                    address,
                    port,
                    options: *options,
                });
            }
        }
        Published::Tcp { external, options } => {
            let transport = if options.tells_client {
                Transport::TcpFromProxy
            } else {
                Transport::Tcp
            };
            snapshot
                .streams
                .push(stream(*external, options.quiet, transport));
        }
        Published::Udp { external, quiet } => {
            snapshot
                .streams
                .push(stream(*external, *quiet, Transport::Udp));
        }
        Published::Srv { name } => snapshot.records.push(Srv {
            name: name.clone(),
            host: host.name.clone(),
            port,
        }),
    }
}
