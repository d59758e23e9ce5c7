//! Allocates hostnames under the site's domains and external ports to a container's services. The
//! database's unique constraints detect conflicts between concurrent allocations.

use std::collections::BTreeSet;

use model::{
    DomainId, Error,
    domains::DomainRow,
    names::{Domain, Label},
    net::{Port, PortRange},
    services::{Published, ServiceKind, ServiceSpec, ServiceView, TlsName, TlsWish},
};
use store::{
    Conn,
    containers::{Given, GivenService},
    sites::SiteRecord,
};

use super::reserved::Asker;
use crate::domains::may_publish;

/// Allocates names and ports to services. Services in `held` keep what they have.
pub(super) struct Wish<'a> {
    pub(super) asker: Asker<'a>,
    pub(super) site: &'a SiteRecord,
    /// The container's name, the default label of an HTTP service.
    pub(super) name: &'a Label,
    pub(super) wanted: &'a [ServiceSpec],
    pub(super) held: &'a [ServiceView],
}

/// What the other services of a site use. The database enforces uniqueness; checking it here
/// assigns the error to a field.
#[derive(Default)]
struct Taken {
    domains: Vec<DomainRow>,
    labels: BTreeSet<(DomainId, Label)>,
    tcp: BTreeSet<u16>,
    udp: BTreeSet<u16>,
}

impl Wish<'_> {
    /// Allocates names and ports to all desired services.
    pub(super) fn give(
        &self,
        c: &mut Conn,
    ) -> Result<Result<Vec<GivenService>, Error>, store::Error> {
        let taken = self.look(c)?;
        Ok(self.choose(taken))
    }

    /// Loads what the other services of the site use.
    fn look(&self, c: &mut Conn) -> Result<Taken, store::Error> {
        let mut taken = Taken::default();
        let wants = |kind| self.wanted.iter().any(|service| service.kind() == kind);
        let id = self.site.id;
        let named =
            |service: &ServiceSpec| matches!(service, ServiceSpec::Tcp { tls: Some(_), .. });
        if wants(ServiceKind::Http) || self.wanted.iter().any(named) {
            taken.domains = store::domains::of_site(c, id)?;
            taken.labels = store::containers::taken_labels(c, id)?;
        }
        if wants(ServiceKind::Tcp) {
            taken.tcp = store::containers::taken_ports(c, id, ServiceKind::Tcp)?;
        }
        if wants(ServiceKind::Udp) {
            taken.udp = store::containers::taken_ports(c, id, ServiceKind::Udp)?;
        }
        for service in self.held {
            match &service.published {
                Published::Http { label, domain, .. } => {
                    if let Some(domain) = taken.domain(domain) {
                        taken.labels.remove(&(domain.id, label.clone()));
                    }
                }
                Published::Tcp { external, .. } => {
                    taken.tcp.remove(&external.get());
                }
                Published::Udp { external, .. } => {
                    taken.udp.remove(&external.get());
                }
                Published::Srv { .. } => {}
            }
        }
        Ok(taken)
    }

    fn choose(&self, mut taken: Taken) -> Result<Vec<GivenService>, Error> {
        let mut given = vec![None; self.wanted.len()];
        // Requested ports are assigned before any port is chosen.
        let mut order: Vec<(usize, &ServiceSpec)> = self.wanted.iter().enumerate().collect();
        order.sort_by_key(|(_, service)| asked(service).is_none());
        for (index, service) in order {
            let one = GivenService {
                port: service.port(),
                given: self.one(service, index, &mut taken)?,
            };
            if let Some(slot) = given.get_mut(index) {
                *slot = Some(one);
            }
        }
        Ok(given.into_iter().flatten().collect())
    }

    fn one(&self, service: &ServiceSpec, index: usize, taken: &mut Taken) -> Result<Given, Error> {
        Ok(match service {
            ServiceSpec::Http {
                label,
                domain,
                options,
                ..
            } => {
                let (domain, label) = self.name(label.as_ref(), domain.as_ref(), index, taken)?;
                Given::Http {
                    label,
                    domain,
                    options: *options,
                }
            }
            ServiceSpec::Tcp { options, tls, .. } => Given::Tcp {
                tls: match tls {
                    None => None,
                    Some(wish) => Some(self.tls_name(wish, index, taken)?),
                },
                external: self.port(service, index, &mut taken.tcp)?,
                options: *options,
            },
            ServiceSpec::Udp { quiet, .. } => Given::Udp {
                external: self.port(service, index, &mut taken.udp)?,
                quiet: *quiet,
            },
            ServiceSpec::Srv { name, .. } => Given::Srv { name: name.clone() },
        })
    }

    /// A hostname for the TLS certificate of a TCP port: one that an HTTP service of this container
    /// could have or has.
    fn tls_name(
        &self,
        wish: &TlsWish,
        index: usize,
        taken: &Taken,
    ) -> Result<(DomainId, Label), Error> {
        let (label, domain) = (wish.label.as_ref(), wish.domain.as_ref());
        let (id, label) = self.allowed(label, domain, index, taken)?;
        let own = self.wanted.iter().any(|service| match service {
            ServiceSpec::Http { label: web, .. } => *web.as_ref().unwrap_or(self.name) == label,
            _ => false,
        });
        if taken.labels.contains(&(id, label.clone())) && !own {
            let message = "A web page of another container has this name.".to_owned();
            return Err(Error::field(&format!("services.{index}.label"), message));
        }
        Ok((id, label))
    }

    /// A hostname for an HTTP service that no other service has.
    fn name(
        &self,
        asked: Option<&Label>,
        domain: Option<&Domain>,
        index: usize,
        taken: &mut Taken,
    ) -> Result<(DomainId, Label), Error> {
        let (id, label) = self.allowed(asked, domain, index, taken)?;
        // A conflict about the container's own name is reported by the database at the name field.
        if !taken.labels.insert((id, label.clone())) && asked.is_some() {
            let message = "Another service has this name under this domain.".to_owned();
            return Err(Error::field(&format!("services.{index}.label"), message));
        }
        Ok((id, label))
    }

    /// A hostname that the actor may use or the container already has.
    fn allowed(
        &self,
        asked: Option<&Label>,
        domain: Option<&Domain>,
        index: usize,
        taken: &Taken,
    ) -> Result<(DomainId, Label), Error> {
        let refuse = |field: &str, message: String| {
            Err(Error::field(&format!("services.{index}.{field}"), message))
        };
        let label = asked.unwrap_or(self.name);
        let domain = match domain {
            Some(name) => match taken.domain(name) {
                Some(domain) => domain,
                None => return refuse("domain", taken.domains_instead(name)),
            },
            None => match taken.domains.iter().find(|domain| self.may_publish(domain)) {
                Some(domain) => domain,
                None => {
                    let message = "No domain of this site is for you to publish under.";
                    return refuse("domain", message.to_owned());
                }
            },
        };
        let name = &domain.spec.name;
        if !self.holds(label, name) {
            if !self.may_publish(domain) {
                let message = format!("Only others may publish under {name}. Ask an operator.");
                return refuse("domain", message);
            }
            // The container's own name was checked when it was created.
            let refusal = match asked {
                Some(label) => self.asker.refusal(label, name),
                None => self.asker.is_manager(label, name),
            };
            if let Some(message) = refusal {
                return refuse("label", message);
            }
        }
        // nginx would have two server blocks for the same name.
        let whole = format!("{label}.{name}");
        if !self.holds(label, name) && taken.domains.iter().any(|d| d.spec.name.as_str() == whole) {
            let message = format!("{whole} is a domain of this site. Choose another name.");
            return refuse("label", message);
        }
        Ok((domain.id, label.clone()))
    }

    fn may_publish(&self, domain: &DomainRow) -> bool {
        may_publish(self.asker.actor, &domain.spec.publishers)
    }

    fn holds(&self, label: &Label, domain: &Domain) -> bool {
        self.held.iter().any(|service| match &service.published {
            Published::Http {
                label: own,
                domain: under,
                ..
            }
            | Published::Tcp {
                tls:
                    Some(TlsName {
                        label: own,
                        domain: under,
                    }),
                ..
            } => own == label && under == domain,
            _ => false,
        })
    }

    fn port(
        &self,
        service: &ServiceSpec,
        index: usize,
        taken: &mut BTreeSet<u16>,
    ) -> Result<Port, Error> {
        let range: &PortRange = &self.site.spec.ports;
        let kind = service.kind();
        let refuse =
            |message: String| Err(Error::field(&format!("services.{index}.external"), message));
        let free = |port: &Port| !taken.contains(&port.get()) && kind.used_by_edge(*port).is_none();
        let port = match asked(service) {
            Some(port) if !range.contains(port) => {
                return refuse(format!("The site gives ports {range}."));
            }
            Some(port) if let Some(what) = kind.used_by_edge(port) => {
                return refuse(format!(
                    "Port {port} is where edge hosts answer for {what}."
                ));
            }
            Some(port) if !free(&port) => {
                return refuse(format!("Port {port} is taken on this site."));
            }
            Some(port) => port,
            None => {
                let kept = self.kept(service).filter(free);
                match kept.or_else(|| range.iter().find(free)) {
                    Some(port) => port,
                    None => return refuse(format!("No {kind} port of {range} is free.")),
                }
            }
        };
        taken.insert(port.get());
        Ok(port)
    }

    /// The external port that the same service has now.
    fn kept(&self, service: &ServiceSpec) -> Option<Port> {
        let same =
            |held: &&ServiceView| held.kind() == service.kind() && held.port == service.port();
        self.held.iter().find(same)?.published.external()
    }
}

impl Taken {
    fn domain(&self, name: &Domain) -> Option<&DomainRow> {
        self.domains.iter().find(|domain| domain.spec.name == *name)
    }

    fn domains_instead(&self, name: &Domain) -> String {
        let names: Vec<&str> = self.domains.iter().map(|d| d.spec.name.as_str()).collect();
        if names.is_empty() {
            return "The site has no domain to publish under.".to_owned();
        }
        format!(
            "The site does not publish under {name}. Use {}.",
            names.join(" or ")
        )
    }
}

fn asked(service: &ServiceSpec) -> Option<Port> {
    match service {
        ServiceSpec::Tcp { external, .. } | ServiceSpec::Udp { external, .. } => *external,
        ServiceSpec::Http { .. } | ServiceSpec::Srv { .. } => None,
    }
}

#[cfg(test)]
mod tests;
