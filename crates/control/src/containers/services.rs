//! Allocates hostnames under the site's domains and external ports to a container's services. The
//! database's unique constraints detect conflicts between concurrent allocations.

use std::collections::BTreeSet;

use model::{
    DomainId, Error,
    domains::DomainRow,
    names::{Domain, Label, SrvName},
    net::{Port, PortRange},
    services::{DesiredTlsName, ServiceEndpoint, ServiceKind, ServiceSpec, ServiceView, TlsName},
};
use store::{
    Conn,
    containers::{BoundService, ServiceBinding},
    sites::SiteRecord,
};

use super::reserved_names::Requester;
use crate::domains::may_publish;

/// Allocates names and ports to services. Services in `current` keep their names and ports.
pub(super) struct ServiceAllocator<'a> {
    pub(super) requester: Requester<'a>,
    pub(super) site: &'a SiteRecord,
    /// The container's name, the default label of an HTTP service.
    pub(super) name: &'a Label,
    pub(super) desired: &'a [ServiceSpec],
    pub(super) current: &'a [ServiceView],
}

/// Why a hostname is refused that a port or an HTTP service of another container has.
const HOSTNAME_IN_USE: &str = "Another container has this hostname.";

/// What the other services of a site use. The database enforces uniqueness; checking it here
/// assigns the error to a field.
#[derive(Default)]
struct InUse {
    domains: Vec<DomainRow>,
    labels: BTreeSet<(DomainId, Label)>,
    /// The hostnames for TLS of other containers' ports.
    tls_names: BTreeSet<(DomainId, Label)>,
    srv_names: BTreeSet<SrvName>,
    tcp: BTreeSet<u16>,
    udp: BTreeSet<u16>,
}

impl ServiceAllocator<'_> {
    /// Allocates names and ports to all desired services.
    pub(super) fn allocate(
        &self,
        c: &mut Conn,
    ) -> Result<Result<Vec<BoundService>, Error>, store::Error> {
        let in_use = self.load_in_use(c)?;
        Ok(self.allocate_from(in_use))
    }

    /// Loads what the other services of the site use.
    fn load_in_use(&self, c: &mut Conn) -> Result<InUse, store::Error> {
        let mut in_use = InUse::default();
        let wants = |kind| self.desired.iter().any(|service| service.kind() == kind);
        let id = self.site.id;
        let has_tls_name =
            |service: &ServiceSpec| matches!(service, ServiceSpec::Tcp { tls: Some(_), .. });
        if wants(ServiceKind::Http) || self.desired.iter().any(has_tls_name) {
            in_use.domains = store::domains::list_by_site(c, id)?;
            in_use.labels = store::containers::list_used_labels(c, id)?;
            in_use.tls_names = store::containers::list_used_tls_names(c, id)?;
        }
        if wants(ServiceKind::Srv) {
            in_use.srv_names = store::containers::list_used_srv_names(c, id)?;
        }
        if wants(ServiceKind::Tcp) {
            in_use.tcp = store::containers::list_used_ports(c, id, ServiceKind::Tcp)?;
        }
        if wants(ServiceKind::Udp) {
            in_use.udp = store::containers::list_used_ports(c, id, ServiceKind::Udp)?;
        }
        for service in self.current {
            match &service.published {
                ServiceEndpoint::Http { label, domain, .. } => {
                    if let Some(domain) = in_use.domain(domain) {
                        in_use.labels.remove(&(domain.id, label.clone()));
                    }
                }
                ServiceEndpoint::Tcp { external, tls, .. } => {
                    in_use.tcp.remove(&external.get());
                    if let Some(TlsName { label, domain }) = tls
                        && let Some(domain) = in_use.domain(domain)
                    {
                        in_use.tls_names.remove(&(domain.id, label.clone()));
                    }
                }
                ServiceEndpoint::Udp { external, .. } => {
                    in_use.udp.remove(&external.get());
                }
                ServiceEndpoint::Srv { name } => {
                    in_use.srv_names.remove(name);
                }
            }
        }
        Ok(in_use)
    }

    fn allocate_from(&self, mut in_use: InUse) -> Result<Vec<BoundService>, Error> {
        let mut allocated = vec![None; self.desired.len()];
        // Requested ports are assigned before any port is chosen.
        let mut order: Vec<(usize, &ServiceSpec)> = self.desired.iter().enumerate().collect();
        order.sort_by_key(|(_, service)| requested_port(service).is_none());
        for (index, service) in order {
            let allocation = BoundService {
                container_port: service.port(),
                binding: self.allocate_one(service, index, &mut in_use)?,
            };
            if let Some(slot) = allocated.get_mut(index) {
                *slot = Some(allocation);
            }
        }
        Ok(allocated.into_iter().flatten().collect())
    }

    fn allocate_one(
        &self,
        service: &ServiceSpec,
        index: usize,
        in_use: &mut InUse,
    ) -> Result<ServiceBinding, Error> {
        Ok(match service {
            ServiceSpec::Http {
                label,
                domain,
                options,
                ..
            } => {
                let (domain, label) =
                    self.allocate_hostname(label.as_ref(), domain.as_ref(), index, in_use)?;
                ServiceBinding::Http {
                    label,
                    domain,
                    options: *options,
                }
            }
            ServiceSpec::Tcp { options, tls, .. } => ServiceBinding::Tcp {
                tls: match tls {
                    None => None,
                    Some(requested) => Some(self.resolve_tls_name(requested, index, in_use)?),
                },
                external: self.allocate_port(service, index, &mut in_use.tcp)?,
                options: *options,
            },
            ServiceSpec::Udp { idle_timeout, .. } => ServiceBinding::Udp {
                external: self.allocate_port(service, index, &mut in_use.udp)?,
                idle_timeout: *idle_timeout,
            },
            ServiceSpec::Srv { name, .. } => {
                self.check_srv_name(name, index, in_use)?;
                ServiceBinding::Srv { name: name.clone() }
            }
        })
    }

    /// A hostname for the TLS certificate of a TCP port: one that an HTTP service of this container
    /// could have or has.
    fn resolve_tls_name(
        &self,
        requested: &DesiredTlsName,
        index: usize,
        in_use: &InUse,
    ) -> Result<(DomainId, Label), Error> {
        let (label, domain) = (requested.label.as_ref(), requested.domain.as_ref());
        let (id, label) = self.resolve_hostname(label, domain, index, in_use)?;
        let hostname = (id, label);
        let is_own = self.desired.iter().any(|service| match service {
            ServiceSpec::Http { label, domain, .. } => {
                let own = self.resolve_hostname(label.as_ref(), domain.as_ref(), index, in_use);
                own.is_ok_and(|own| own == hostname)
            }
            _ => false,
        });
        let is_taken = in_use.labels.contains(&hostname) && !is_own;
        if is_taken || in_use.tls_names.contains(&hostname) {
            return Err(Error::invalid_field(
                &format!("services.{index}.label"),
                HOSTNAME_IN_USE,
            ));
        }
        Ok(hostname)
    }

    /// Clients find servers of the site by SRV records, so one name leads to one container, and
    /// names of infrastructure are for operators.
    fn check_srv_name(&self, name: &SrvName, index: usize, in_use: &InUse) -> Result<(), Error> {
        let refuse = |message: String| {
            Err(Error::invalid_field(
                &format!("services.{index}.name"),
                message,
            ))
        };
        if in_use.srv_names.contains(name) {
            return refuse(format!("Another container has the SRV record {name}."));
        }
        let is_current = self.current.iter().any(
            |service| matches!(&service.published, ServiceEndpoint::Srv { name: own } if own == name),
        );
        if name.is_reserved() && !is_current && !self.requester.actor.role().can_see_all() {
            return refuse(format!(
                "The name {name} is reserved for operators. Choose another name."
            ));
        }
        Ok(())
    }

    /// A hostname for an HTTP service that no other service has.
    fn allocate_hostname(
        &self,
        requested: Option<&Label>,
        domain: Option<&Domain>,
        index: usize,
        in_use: &mut InUse,
    ) -> Result<(DomainId, Label), Error> {
        let (id, label) = self.resolve_hostname(requested, domain, index, in_use)?;
        if in_use.tls_names.contains(&(id, label.clone())) {
            return Err(Error::invalid_field(
                &format!("services.{index}.label"),
                HOSTNAME_IN_USE,
            ));
        }
        // A conflict about the container's own name is reported by the database at the name field.
        if !in_use.labels.insert((id, label.clone())) && requested.is_some() {
            let message = "Another service has this hostname under this domain.".to_owned();
            return Err(Error::invalid_field(
                &format!("services.{index}.label"),
                message,
            ));
        }
        Ok((id, label))
    }

    /// A hostname that the actor may use or the container already has.
    fn resolve_hostname(
        &self,
        requested: Option<&Label>,
        domain: Option<&Domain>,
        index: usize,
        in_use: &InUse,
    ) -> Result<(DomainId, Label), Error> {
        let refuse = |field: &str, message: String| {
            Err(Error::invalid_field(
                &format!("services.{index}.{field}"),
                message,
            ))
        };
        let label = requested.unwrap_or(self.name);
        let domain = match domain {
            Some(name) => match in_use.domain(name) {
                Some(domain) => domain,
                None => return refuse("domain", in_use.domain_hint(name)),
            },
            None => match in_use
                .domains
                .iter()
                .find(|domain| self.may_publish(domain))
            {
                Some(domain) => domain,
                None => {
                    let message =
                        "You cannot publish under any domain of this site. Ask an operator.";
                    return refuse("domain", message.to_owned());
                }
            },
        };
        let name = &domain.spec.name;
        if !self.already_has(label, name) {
            if !self.may_publish(domain) {
                let message = format!("You cannot publish under {name}. Ask an operator.");
                return refuse("domain", message);
            }
            // The container's own name was checked when it was created.
            let refusal = match requested {
                Some(label) => self.requester.rejection_reason(label, name),
                None => self.requester.manager_conflict(label, name),
            };
            if let Some(message) = refusal {
                return refuse("label", message);
            }
        }
        // nginx would have two server blocks for the same name.
        let whole = format!("{label}.{name}");
        if !self.already_has(label, name)
            && in_use.domains.iter().any(|d| d.spec.name.as_str() == whole)
        {
            let message = format!("{whole} is a domain of this site. Choose another hostname.");
            return refuse("label", message);
        }
        Ok((domain.id, label.clone()))
    }

    fn may_publish(&self, domain: &DomainRow) -> bool {
        may_publish(self.requester.actor, &domain.spec.publishers)
    }

    fn already_has(&self, label: &Label, domain: &Domain) -> bool {
        self.current.iter().any(|service| match &service.published {
            ServiceEndpoint::Http {
                label: own,
                domain: served_domain,
                ..
            }
            | ServiceEndpoint::Tcp {
                tls:
                    Some(TlsName {
                        label: own,
                        domain: served_domain,
                    }),
                ..
            } => own == label && served_domain == domain,
            _ => false,
        })
    }

    fn allocate_port(
        &self,
        service: &ServiceSpec,
        index: usize,
        in_use: &mut BTreeSet<u16>,
    ) -> Result<Port, Error> {
        let range: &PortRange = &self.site.spec.ports;
        let kind = service.kind();
        let refuse = |message: String| {
            Err(Error::invalid_field(
                &format!("services.{index}.external"),
                message,
            ))
        };
        let free = |port: &Port| !in_use.contains(&port.get()) && kind.edge_usage(*port).is_none();
        let port = match requested_port(service) {
            Some(port) if !range.contains(port) => {
                return refuse(format!("Use a port of the site's range {range}."));
            }
            Some(port) if let Some(usage) = kind.edge_usage(port) => {
                return refuse(format!("Edge hosts use port {port} for {usage}."));
            }
            Some(port) if !free(&port) => {
                return refuse(format!("Port {port} is in use on this site."));
            }
            Some(port) => port,
            None => {
                let current = self.current_port(service).filter(free);
                match current.or_else(|| range.iter().find(free)) {
                    Some(port) => port,
                    None => return refuse(format!("No {kind} port of {range} is free.")),
                }
            }
        };
        in_use.insert(port.get());
        Ok(port)
    }

    /// The external port that the same service has now.
    fn current_port(&self, service: &ServiceSpec) -> Option<Port> {
        let same = |current: &&ServiceView| {
            current.kind() == service.kind() && current.port == service.port()
        };
        self.current.iter().find(same)?.published.external()
    }
}

impl InUse {
    fn domain(&self, name: &Domain) -> Option<&DomainRow> {
        self.domains.iter().find(|domain| domain.spec.name == *name)
    }

    fn domain_hint(&self, name: &Domain) -> String {
        let names: Vec<&str> = self.domains.iter().map(|d| d.spec.name.as_str()).collect();
        if names.is_empty() {
            return "The site has no domain. An operator can add a domain.".to_owned();
        }
        format!("The site has no domain {name}. Use {}.", names.join(" or "))
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
