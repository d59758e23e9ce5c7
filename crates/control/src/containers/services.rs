//! Allocates names and external ports to a container's services. The caller has locked the site, so
//! that what is free stays free until the transaction ends.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ContainerId, DomainId, Error,
    domains::DomainRow,
    names::{ContainerNames, Label, NamePurpose, QualifiedName},
    net::{Port, PortRange},
    services::{DesiredTlsName, ServiceEndpoint, ServiceKind, ServiceSpec, ServiceView},
};
use store::{
    Conn,
    containers::{BoundService, ServiceAllocation, ServiceBinding},
    names::ContainerHolder,
    sites::SiteRecord,
};

use super::reserved_names::Requester;

/// Allocates names and ports to services. Services in `current` keep their names and ports.
pub(super) struct ServiceAllocator<'a> {
    pub(super) requester: Requester<'a>,
    pub(super) site: &'a SiteRecord,
    /// The container, unless it is new.
    pub(super) container: Option<ContainerId>,
    /// The container's name, the default label of an HTTP service.
    pub(super) name: &'a Label,
    pub(super) desired: &'a [ServiceSpec],
    pub(super) current: &'a [ServiceView],
}

/// What the other containers of a site use.
#[derive(Default)]
struct InUse {
    domains: Vec<DomainRow>,
    /// The requested names that other objects hold.
    names: BTreeMap<QualifiedName, NamePurpose>,
    /// The containers that hold names, if the actor may see all containers.
    holders: BTreeMap<QualifiedName, ContainerHolder>,
    /// SRV names that other containers hold, by the requested hostname or own name above them.
    below: BTreeMap<QualifiedName, QualifiedName>,
    /// The hostnames at which visitors of the site's domains sign in.
    sign_ins: BTreeSet<QualifiedName>,
    /// The hostnames of this container's HTTP services so far.
    own_labels: BTreeSet<(DomainId, Label)>,
    tcp: BTreeSet<u16>,
    udp: BTreeSet<u16>,
    /// The external ports of this container's services so far, with the index of the service.
    own_ports: BTreeMap<(ServiceKind, u16), usize>,
}

impl ServiceAllocator<'_> {
    /// Allocates names and ports to all desired services.
    pub(super) fn allocate(
        &self,
        c: &mut Conn,
    ) -> Result<Result<ServiceAllocation, Error>, store::Error> {
        let in_use = self.load_in_use(c)?;
        Ok(self.allocate_from(in_use))
    }

    /// Loads what the other containers of the site use.
    fn load_in_use(&self, c: &mut Conn) -> Result<InUse, store::Error> {
        let mut in_use = InUse::default();
        let id = self.site.id;
        let needs = |kind| self.desired.iter().any(|service| service.kind() == kind);
        if self.desired.iter().any(names::has_hostname) {
            in_use.domains = store::domains::list_by_site(c, id)?;
        }
        let candidates = self.candidates(&in_use.domains);
        in_use.names = store::names::list_holders(c, id, &candidates, self.container)?;
        if !in_use.names.is_empty() && self.requester.sees_all_containers() {
            let held = in_use.names.keys();
            in_use.holders = store::names::list_container_holders(c, id, held)?;
        }
        for name in self.hostnames_in_site_domain(&in_use.domains) {
            let below = store::names::find_srv_below(c, id, &name, self.container)?;
            in_use.below.extend(below.map(|below| (name, below)));
        }
        in_use.sign_ins = store::domains::list_sign_in_names(c, id)?;
        if needs(ServiceKind::Tcp) {
            in_use.tcp = store::containers::list_used_ports(c, id, ServiceKind::Tcp)?;
        }
        if needs(ServiceKind::Udp) {
            in_use.udp = store::containers::list_used_ports(c, id, ServiceKind::Udp)?;
        }
        for service in self.current {
            match &service.published {
                ServiceEndpoint::Tcp { external, .. } => in_use.tcp.remove(&external.get()),
                ServiceEndpoint::Udp { external, .. } => in_use.udp.remove(&external.get()),
                ServiceEndpoint::Http { .. } | ServiceEndpoint::Srv { .. } => false,
            };
        }
        Ok(in_use)
    }

    fn allocate_from(&self, mut in_use: InUse) -> Result<ServiceAllocation, Error> {
        self.check_own_name(&in_use)?;
        let mut names = ContainerNames::new(self.name, &self.site.spec.domain);
        let mut allocated = vec![None; self.desired.len()];
        let kept = self.keep_ports(&mut in_use);
        // Requested ports are assigned before any port is chosen.
        let mut order: Vec<(usize, &ServiceSpec)> = self.desired.iter().enumerate().collect();
        order.sort_by_key(|(_, service)| requested_port(service).is_none());
        for (index, service) in order {
            let allocation = BoundService {
                container_port: service.port(),
                binding: self.allocate_one(service, (index, &kept), &mut in_use, &mut names)?,
            };
            if let Some(slot) = allocated.get_mut(index) {
                *slot = Some(allocation);
            }
        }
        Ok(ServiceAllocation {
            bindings: allocated.into_iter().flatten().collect(),
            names,
        })
    }

    fn allocate_one(
        &self,
        service: &ServiceSpec,
        (index, kept): (usize, &BTreeMap<usize, Port>),
        in_use: &mut InUse,
        names: &mut ContainerNames,
    ) -> Result<ServiceBinding, Error> {
        let kept = kept.get(&index).copied();
        Ok(match service {
            ServiceSpec::Http {
                label,
                domain,
                options,
                ..
            } => {
                let (domain, label) =
                    self.allocate_hostname(label.as_ref(), domain.as_ref(), index, in_use, names)?;
                self.check_not_repeated(domain, &label, index, in_use)?;
                ServiceBinding::Http {
                    label,
                    domain,
                    options: *options,
                }
            }
            ServiceSpec::Tcp { options, tls, .. } => ServiceBinding::Tcp {
                tls: match tls {
                    None => None,
                    Some(DesiredTlsName { label, domain }) => {
                        let (label, domain) = (label.as_ref(), domain.as_ref());
                        Some(self.allocate_hostname(label, domain, index, in_use, names)?)
                    }
                },
                external: self.allocate_port(service, index, kept, in_use)?,
                options: *options,
            },
            ServiceSpec::Udp { idle_timeout, .. } => ServiceBinding::Udp {
                external: self.allocate_port(service, index, kept, in_use)?,
                idle_timeout: *idle_timeout,
            },
            ServiceSpec::Srv { name, .. } => {
                self.allocate_srv_name(name, index, in_use, names)?;
                ServiceBinding::Srv { name: name.clone() }
            }
        })
    }

    /// Reserves the current ports of the services that request none, so that no other service of
    /// the container gets them.
    fn keep_ports(&self, in_use: &mut InUse) -> BTreeMap<usize, Port> {
        let is_same = |current: &ServiceView, service: &ServiceSpec| {
            current.kind() == service.kind() && current.port == service.port()
        };
        let mut current: Vec<&ServiceView> = self.current.iter().collect();
        for service in self.desired {
            let requested = requested_port(service);
            current.retain(|current| {
                requested.is_none()
                    || requested != current.published.external()
                    || !is_same(current, service)
            });
        }
        let mut kept = BTreeMap::new();
        for (index, service) in self.desired.iter().enumerate() {
            let position = current
                .iter()
                .position(|current| is_same(current, service))
                .filter(|_| requested_port(service).is_none());
            let Some(position) = position else { continue };
            let kind = service.kind();
            if let Some(port) = current.remove(position).published.external()
                && in_use.is_free(kind, port)
            {
                in_use.assign(kind, port, index);
                kept.insert(index, port);
            }
        }
        kept
    }

    fn allocate_port(
        &self,
        service: &ServiceSpec,
        index: usize,
        kept: Option<Port>,
        in_use: &mut InUse,
    ) -> Result<Port, Error> {
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let range: &PortRange = &self.site.spec.ports;
        let kind = service.kind();
        let refuse = |message: String| {
            Err(Error::invalid_field(
                &format!("services.{index}.external"),
                message,
            ))
        };
        let port = match requested_port(service) {
            Some(port) if !range.contains(port) => {
                return refuse(format!("Use a port of the site's range {range}."));
            }
            Some(port) if let Some(usage) = kind.edge_usage(port) => {
                return refuse(format!("Edge hosts use port {port} for {usage}."));
            }
            Some(port) if let Some(other) = in_use.own_ports.get(&(kind, port.get())) => {
                return refuse(format!("Used by service {}.", other + 1));
            }
            Some(port) if !in_use.is_free(kind, port) => {
                return refuse(format!("Port {port} is in use on this site."));
            }
            Some(port) => port,
            None => match range.iter().find(|port| in_use.is_free(kind, *port)) {
                Some(port) => port,
                None => return refuse(format!("No {kind} port of {range} is free.")),
            },
        };
        in_use.assign(kind, port, index);
        Ok(port)
    }
}

impl InUse {
    /// Whether neither another service nor the edge hosts use the external port.
    fn is_free(&self, kind: ServiceKind, port: Port) -> bool {
        let others = match kind {
            ServiceKind::Udp => &self.udp,
            _ => &self.tcp,
        };
        let number = port.get();
        !others.contains(&number)
            && !self.own_ports.contains_key(&(kind, number))
            && kind.edge_usage(port).is_none()
    }

    /// Assigns the external port to the service with this index.
    fn assign(&mut self, kind: ServiceKind, port: Port, index: usize) {
        self.own_ports.insert((kind, port.get()), index);
    }
}

fn requested_port(service: &ServiceSpec) -> Option<Port> {
    match service {
        ServiceSpec::Tcp { external, .. } | ServiceSpec::Udp { external, .. } => *external,
        ServiceSpec::Http { .. } | ServiceSpec::Srv { .. } => None,
    }
}

#[cfg(test)]
mod tests;
