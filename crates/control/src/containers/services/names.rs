//! The names of a container and its services: which domains the actor may publish under, which
//! names are reserved, and which ones other objects hold.

use std::collections::BTreeSet;

use model::{
    DomainId, Error,
    domains::DomainRow,
    names::{ContainerNames, Domain, Label, NamePurpose, QualifiedName, SrvName},
    services::{DesiredTlsName, ServiceEndpoint, ServiceKind, ServiceSpec, ServiceView, TlsName},
};

use super::{InUse, ServiceAllocator};
use crate::{domains::may_publish, names};

/// Whether the service has a hostname under one of the site's domains.
pub(super) fn has_hostname(service: &ServiceSpec) -> bool {
    matches!(
        service,
        ServiceSpec::Http { .. } | ServiceSpec::Tcp { tls: Some(_), .. }
    )
}

impl ServiceAllocator<'_> {
    /// Every name that the container could get, given the domains of the site.
    pub(super) fn candidates(&self, domains: &[DomainRow]) -> BTreeSet<QualifiedName> {
        let site = &self.site.spec.domain;
        let mut all = self.hostnames(domains);
        for service in self.desired {
            if let ServiceSpec::Srv { name, .. } = service {
                let name = QualifiedName::of_srv(name, site);
                all.extend(name.parents(site));
                all.insert(name);
            }
        }
        all
    }

    /// The own name of the container and the hostnames that it could get, without those outside the
    /// site's domain, which have no SRV names below them.
    pub(super) fn hostnames_in_site_domain(
        &self,
        domains: &[DomainRow],
    ) -> BTreeSet<QualifiedName> {
        let below_site = format!(".{}", self.site.spec.domain);
        let mut all = self.hostnames(domains);
        all.retain(|name| name.as_str().ends_with(&below_site));
        all
    }

    /// The own name of the container, and every hostname that it could get.
    fn hostnames(&self, domains: &[DomainRow]) -> BTreeSet<QualifiedName> {
        let site = &self.site.spec.domain;
        let mut all = BTreeSet::from([QualifiedName::of_label(self.name, site)]);
        for service in self.desired {
            match service {
                ServiceSpec::Http { label, domain, .. }
                | ServiceSpec::Tcp {
                    tls: Some(DesiredTlsName { label, domain }),
                    ..
                } => {
                    let label = label.as_ref().unwrap_or(self.name);
                    let usable = domains.iter().map(|row| &row.spec.name);
                    let usable = usable.filter(|name| domain.as_ref().is_none_or(|it| it == *name));
                    all.extend(usable.map(|domain| QualifiedName::of_label(label, domain)));
                }
                ServiceSpec::Srv { .. }
                | ServiceSpec::Tcp { tls: None, .. }
                | ServiceSpec::Udp { .. } => {}
            }
        }
        all
    }

    /// Checks that no other object holds the container's own name, or an SRV name below it, and
    /// that users do not sign in at the name of a new container.
    pub(super) fn check_own_name(&self, in_use: &InUse) -> Result<(), Error> {
        let name = QualifiedName::of_label(self.name, &self.site.spec.domain);
        let is_new = self.container.is_none();
        let held = in_use
            .refusal(&name)
            .or_else(|| in_use.below_refusal(&name));
        let sign_in = in_use.sign_in_refusal(&name).filter(|_| is_new);
        match held.or(sign_in) {
            None => Ok(()),
            Some(message) => Err(Error::invalid_field("name", message)),
        }
    }

    /// A hostname that the actor may use or the container already has, and no other object holds.
    pub(super) fn allocate_hostname(
        &self,
        requested: Option<&Label>,
        domain: Option<&Domain>,
        index: usize,
        in_use: &InUse,
        claimed: &mut ContainerNames,
    ) -> Result<(DomainId, Label), Error> {
        let kind = self.desired.get(index).map(ServiceSpec::kind);
        let domain = self.resolve_domain(domain, index, in_use)?;
        let label = requested.unwrap_or(self.name);
        let name = QualifiedName::of_label(label, &domain.spec.name);
        let refuse = |field: &str, message| {
            let field = format!("services.{index}.{field}");
            Err(Error::invalid_field(&field, message))
        };
        if let Some(message) = in_use.refusal(&name) {
            return refuse("label", message);
        }
        if !self.already_has(kind, label, &domain.spec.name) {
            if !self.may_publish(domain) {
                let domain = &domain.spec.name;
                let message = format!("You cannot publish under {domain}. Ask an operator.");
                return refuse("domain", message);
            }
            // The container's own name was checked when it was created.
            let refusal = match requested {
                Some(label) => self.requester.rejection_reason(label, &name),
                None => self.requester.manager_conflict(&name),
            };
            let refusal = refusal
                .or_else(|| in_use.sign_in_refusal(&name))
                .or_else(|| in_use.below_refusal(&name));
            if let Some(message) = refusal {
                return refuse("label", message);
            }
        }
        claimed.add(name, NamePurpose::Hostname);
        Ok((domain.id, label.clone()))
    }

    /// Checks that two HTTP services of the container do not have the same hostname.
    pub(super) fn check_not_repeated(
        &self,
        domain: DomainId,
        label: &Label,
        index: usize,
        in_use: &mut InUse,
    ) -> Result<(), Error> {
        if in_use.own_labels.insert((domain, label.clone())) {
            return Ok(());
        }
        let message = "Another service of this container has this hostname.";
        let field = format!("services.{index}.label");
        Err(Error::invalid_field(&field, message))
    }

    /// The requested domain of the site, or the first one that the actor may publish under.
    fn resolve_domain<'d>(
        &self,
        requested: Option<&Domain>,
        index: usize,
        in_use: &'d InUse,
    ) -> Result<&'d DomainRow, Error> {
        let mut domains = in_use.domains.iter();
        let (found, hint) = match requested {
            Some(name) => (
                domains.find(|domain| domain.spec.name == *name),
                in_use.domain_hint(name),
            ),
            None => (
                domains.find(|domain| self.may_publish(domain)),
                "You cannot publish under any domain of this site. Ask an operator.".to_owned(),
            ),
        };
        let field = format!("services.{index}.domain");
        found.ok_or_else(|| Error::invalid_field(&field, hint))
    }

    /// Clients find servers of the site by SRV records, so one name leads to one container, no
    /// record is below a name that another object holds, and names of infrastructure are for
    /// operators.
    pub(super) fn allocate_srv_name(
        &self,
        name: &SrvName,
        index: usize,
        in_use: &InUse,
        claimed: &mut ContainerNames,
    ) -> Result<(), Error> {
        let site = &self.site.spec.domain;
        let qualified = QualifiedName::of_srv(name, site);
        let is_current = self.current.iter().any(
            |service| matches!(&service.published, ServiceEndpoint::Srv { name: own } if own == name),
        );
        let mut with_parents = qualified.parents(site);
        with_parents.insert(0, qualified.clone());
        let held = with_parents.iter().find_map(|name| in_use.refusal(name));
        let is_reserved = name.is_reserved() && !self.requester.may_use_reserved_names();
        let reserved = (is_reserved && !is_current)
            .then(|| format!("The name {name} is reserved for operators. Choose another name."));
        let mut managers = with_parents.iter();
        let manager = managers.find_map(|name| self.requester.manager_conflict(name));
        let mut sign_ins = with_parents.iter().filter(|_| !is_current);
        let sign_in = sign_ins.find_map(|name| in_use.sign_in_refusal(name));
        if let Some(message) = held.or(reserved).or(manager).or(sign_in) {
            let field = format!("services.{index}.name");
            return Err(Error::invalid_field(&field, message));
        }
        claimed.add(qualified, NamePurpose::Srv);
        Ok(())
    }

    fn may_publish(&self, domain: &DomainRow) -> bool {
        may_publish(self.requester.actor, &domain.spec.publishers)
    }

    /// Whether a service of this kind has the hostname now.
    fn already_has(&self, kind: Option<ServiceKind>, label: &Label, domain: &Domain) -> bool {
        let of_kind = |service: &&ServiceView| Some(service.kind()) == kind;
        let mut current = self.current.iter().filter(of_kind);
        current.any(|service| match &service.published {
            ServiceEndpoint::Http {
                label: own_label,
                domain: own_domain,
                ..
            }
            | ServiceEndpoint::Tcp {
                tls:
                    Some(TlsName {
                        label: own_label,
                        domain: own_domain,
                    }),
                ..
            } => own_label == label && own_domain == domain,
            _ => false,
        })
    }
}

impl InUse {
    /// Why the name cannot be used, if another object holds it.
    fn refusal(&self, name: &QualifiedName) -> Option<String> {
        let holder = self.names.get(name)?;
        Some(names::refusal(name, *holder, self.holders.get(name)))
    }

    /// Why a hostname cannot be used, if another container holds an SRV name below it.
    fn below_refusal(&self, name: &QualifiedName) -> Option<String> {
        let below = self.below.get(name)?;
        Some(names::refusal(below, NamePurpose::Srv, None))
    }

    fn sign_in_refusal(&self, name: &QualifiedName) -> Option<String> {
        names::sign_in_refusal(&self.sign_ins, name)
    }

    fn domain_hint(&self, name: &Domain) -> String {
        let names: Vec<&str> = self.domains.iter().map(|d| d.spec.name.as_str()).collect();
        if names.is_empty() {
            return "The site has no domain. An operator can add a domain.".to_owned();
        }
        format!("The site has no domain {name}. Use {}.", names.join(" or "))
    }
}
