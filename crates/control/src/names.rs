//! The names of a site when many of them change together: a renamed domain changes the hostnames of
//! all services under it, and a site's new domain the names of all its containers.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ContainerId, Error, SiteId,
    names::{ContainerNames, Domain, NamePurpose, QualifiedName},
    services::{ServiceEndpoint, ServiceView, TlsName},
};
use store::{Conn, containers::SiteContainer, names::ContainerHolder, sites::SiteRecord};

/// Why a name that `holder` has cannot be used. `container` is named only to operators.
pub(crate) fn refusal(
    name: &QualifiedName,
    holder: NamePurpose,
    container: Option<&ContainerHolder>,
) -> String {
    let holder = match container {
        Some(ContainerHolder {
            container, owner, ..
        }) => {
            format!("The container {container} of {owner}")
        }
        None => holder.holder().to_owned(),
    };
    format!("{holder} has the name {name}. Choose another name.")
}

/// Why a name cannot be used that is the hostname of the manager.
pub(crate) fn manager_refusal(manager: Option<&Domain>, name: &QualifiedName) -> Option<String> {
    (manager?.as_str() == name.as_str())
        .then(|| format!("Holdfast uses the name {name}. Choose another name."))
}

/// Why a name cannot be used that is one of `sign_ins`: users would enter their passwords there.
pub(crate) fn sign_in_refusal(
    sign_ins: &BTreeSet<QualifiedName>,
    name: &QualifiedName,
) -> Option<String> {
    sign_ins
        .contains(name)
        .then(|| format!("Users sign in at {name}. Choose another name."))
}

/// Why an operator cannot choose a name that a container holds.
pub(crate) fn container_refusal(
    c: &mut Conn,
    site: SiteId,
    name: &QualifiedName,
) -> Result<Option<String>, store::Error> {
    let holders = store::names::list_container_holders(c, site, [name])?;
    let holder = holders.get(name);
    Ok(holder.map(|holder| refusal(name, NamePurpose::Container, Some(holder))))
}

/// Checks that no container holds the name of a host or domain, which an operator chooses.
pub(crate) fn check_no_container(
    c: &mut Conn,
    site: SiteId,
    name: &QualifiedName,
) -> Result<Result<(), Error>, store::Error> {
    Ok(match container_refusal(c, site, name)? {
        None => Ok(()),
        Some(message) => Err(Error::invalid_field("name", message)),
    })
}

/// A change of domains, and whose names must not be used.
pub(crate) struct Rename<'a> {
    /// The site as it is before the change.
    pub(crate) site: &'a SiteRecord,
    /// The site's domain after the change.
    pub(crate) domain: &'a Domain,
    /// A domain that the site publishes under, before and after the change.
    pub(crate) published: Option<(&'a Domain, &'a Domain)>,
    /// The hostname of the manager.
    pub(crate) manager: Option<&'a Domain>,
}

/// The names of containers after a [`Rename`].
pub(crate) type RenamedContainers = BTreeMap<ContainerId, ContainerNames>;

impl Rename<'_> {
    /// Returns the names of all containers of the site after the change, or why two objects would
    /// have the same name. Reads only.
    pub(crate) fn check(
        &self,
        c: &mut Conn,
    ) -> Result<Result<RenamedContainers, String>, store::Error> {
        let sign_ins = store::domains::list_sign_in_names(c, self.site.id)?;
        let mut holders = self.infrastructure(c)?;
        let mut containers = RenamedContainers::new();
        for container in store::containers::list_with_services(c, self.site.id)? {
            let (before, names) = (self.names_before(&container), self.names_of(&container));
            for (name, purpose) in names.iter() {
                if let Some(refusal) = manager_refusal(self.manager, name) {
                    return Ok(Err(refusal));
                }
                let is_new = !before.iter().any(|(held, _)| held == name);
                if is_new && let Some(refusal) = sign_in_refusal(&sign_ins, name) {
                    return Ok(Err(refusal));
                }
                if let Some(holder) = holders.insert(name.clone(), purpose) {
                    return Ok(Err(refusal(name, holder, None)));
                }
            }
            containers.insert(container.id, names);
        }
        Ok(Ok(containers))
    }

    /// The names of hosts, domains and nodes after the change. A node has no name where a container
    /// holds it, so names of nodes are left out.
    fn infrastructure(
        &self,
        c: &mut Conn,
    ) -> Result<BTreeMap<QualifiedName, NamePurpose>, store::Error> {
        let mut all = BTreeMap::new();
        for host in store::hosts::list_by_site(c, self.site.id)? {
            let name = QualifiedName::of_label(&host.row.name, self.domain);
            all.insert(name, NamePurpose::Host);
        }
        let domains = store::domains::list_by_site(c, self.site.id)?;
        for domain in &domains {
            let name = self.renamed(&domain.spec.name);
            all.insert(QualifiedName::from(name), NamePurpose::Domain);
        }
        all.insert(QualifiedName::from(self.domain), NamePurpose::Domain);
        Ok(all)
    }

    fn names_before(&self, container: &SiteContainer) -> ContainerNames {
        let domain = &self.site.spec.domain;
        let mut names = ContainerNames::new(&container.name, domain);
        for service in &container.services {
            names.add_service(&service.published, domain);
        }
        names
    }

    fn names_of(&self, container: &SiteContainer) -> ContainerNames {
        let mut names = ContainerNames::new(&container.name, self.domain);
        for service in &container.services {
            names.add_service(&self.renamed_service(service), self.domain);
        }
        names
    }

    fn renamed_service(&self, service: &ServiceView) -> ServiceEndpoint {
        let mut published = service.published.clone();
        if let ServiceEndpoint::Http { domain, .. }
        | ServiceEndpoint::Tcp {
            tls: Some(TlsName { domain, .. }),
            ..
        } = &mut published
        {
            *domain = self.renamed(domain).clone();
        }
        published
    }

    fn renamed<'d>(&'d self, domain: &'d Domain) -> &'d Domain {
        match self.published {
            Some((before, after)) if before == domain => after,
            _ => domain,
        }
    }
}
