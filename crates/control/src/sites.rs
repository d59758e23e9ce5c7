//! Sites: networks with their domain, addresses and ports.

use std::{fmt::Display, time::Duration};

use model::{
    Error, Fields, Kind, SiteId,
    certificates::CertificateSource,
    domains::{DomainSpec, Hsts, Publishers},
    events::{Event, Topic},
    names::{Domain, Label},
    permissions::{Permit, SiteManage, SiteRead},
    sites::{SiteRow, SiteSpec},
};
use store::{Conn, sites::SiteRecord};

use crate::{
    Actor, Control, clusters, domains, failure::StoreResultExt as _, filters, names::Rename,
};

/// How long to wait for the findings of a cluster.
const FINDINGS_TIMEOUT: Duration = Duration::from_secs(5);

/// Lists all sites by name.
///
/// # Errors
/// [`Error::Forbidden`] for members, who see a site only through its containers.
pub async fn list(control: &Control, actor: &Actor) -> Result<Vec<SiteRow>, Error> {
    let _: Permit<SiteRead> = actor.permit()?;
    control
        .store()
        .read(store::sites::list)
        .await
        .into_model("list sites")
}

/// Lists the names of all sites.
///
/// # Errors
/// As for [`list`].
pub async fn list_names(control: &Control, actor: &Actor) -> Result<Vec<Label>, Error> {
    let sites = list(control, actor).await?;
    Ok(sites.into_iter().map(|site| site.spec.name).collect())
}

/// Returns a site.
///
/// # Errors
/// [`Error::NotFound`] when no site has this name.
pub async fn get(control: &Control, actor: &Actor, name: &Label) -> Result<SiteRow, Error> {
    list(control, actor)
        .await?
        .into_iter()
        .find(|site| site.spec.name == *name)
        .ok_or(Error::not_found(Kind::Site))
}

/// Creates a site, which publishes under its own domain.
///
/// # Errors
/// [`Error::Invalid`] for a name that exists, an unknown cluster, or ranges of another site.
pub async fn create(control: &Control, actor: &Actor, spec: SiteSpec) -> Result<SiteId, Error> {
    let permit: Permit<SiteManage> = actor.permit()?;
    require_cluster(control, &spec)?;
    require_resources(control, &spec).await?;
    let id = control
        .store()
        .write(move |c| {
            if let Err(refusal) = require_own_ranges(c, None, &spec)? {
                return Ok(Err(refusal));
            }
            if let Err(message) = domains::check_only_site(c, &spec.domain, None)? {
                return Ok(Err(Error::invalid_field("domain", message)));
            }
            let id = store::sites::insert(c, permit, &spec)?;
            store::domains::insert(c, permit.narrow(), &first_domain(id, &spec))?;
            Ok(Ok(id))
        })
        .await
        .into_model("create site")??;
    publish_change(control, id);
    Ok(id)
}

/// Changes a site. Containers keep their resources, so the network and cluster of a site with
/// containers cannot change.
///
/// # Errors
/// [`Error::Invalid`] at a field that existing containers depend on, or for ranges of another site.
pub async fn update(
    control: &Control,
    actor: &Actor,
    id: SiteId,
    spec: SiteSpec,
) -> Result<(), Error> {
    let permit: Permit<SiteManage> = actor.permit()?;
    require_cluster(control, &spec)?;
    require_resources(control, &spec).await?;
    let manager = control.manager_name().cloned();
    let done = control
        .store()
        .write(move |c| {
            // The cluster first, as in `create`, so that neither waits for the other.
            let ranges = require_own_ranges(c, Some(id), &spec)?;
            let Some(site) = store::sites::lock(c, id)? else {
                return Ok(Err(Error::not_found(Kind::Site)));
            };
            let has_containers = !store::containers::list_used_addresses(c, id)?.is_empty();
            if let Some(field) = fixed_field(&site.spec, &spec).filter(|_| has_containers) {
                let message = "This cannot change while the site has containers.";
                return Ok(Err(Error::invalid_field(field, message)));
            }
            if let Err(refusal) = ranges {
                return Ok(Err(refusal));
            }
            if spec.domain != site.spec.domain
                && let Err(refusal) = rename(c, &site, &spec, manager.as_ref())?
            {
                return Ok(Err(refusal));
            }
            store::sites::update(c, permit, id, &spec)?;
            if spec.port_access != site.spec.port_access {
                store::containers::require_filters(c, permit, id)?;
            }
            Ok(Ok(()))
        })
        .await
        .into_model("update site")?;
    filters::publish_site(control, id);
    done
}

/// Deletes a site without containers.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the site's name, [`Error::Conflict`] while it has
/// containers.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: SiteId,
    confirm: &str,
) -> Result<(), Error> {
    let permit: Permit<SiteManage> = actor.permit()?;
    let confirm = confirm.trim().to_owned();
    let done = control
        .store()
        .write(move |c| {
            let Some(site) = store::sites::get(c, id)? else {
                return Ok(Err(Error::not_found(Kind::Site)));
            };
            let name = site.spec.name;
            if name.as_str() != confirm {
                return Ok(Err(Error::invalid_field(
                    "confirm",
                    format!("Type {name} to delete the site."),
                )));
            }
            let containers = store::containers::list_used_addresses(c, id)?.len();
            if containers > 0 {
                let message = match containers {
                    1 => format!("{name} has 1 container. Delete it first."),
                    _ => format!("{name} has {containers} containers. Delete them first."),
                };
                return Ok(Err(Error::conflict(message)));
            }
            store::sites::delete(c, permit, id)?;
            Ok(Ok(()))
        })
        .await
        .into_model("delete site")?;
    publish_change(control, id);
    done
}

/// Renames all containers of a site for its new domain.
fn rename(
    c: &mut Conn,
    site: &SiteRecord,
    spec: &SiteSpec,
    manager: Option<&Domain>,
) -> Result<Result<(), Error>, store::Error> {
    let rename = Rename {
        site,
        domain: &spec.domain,
        published: None,
        manager,
    };
    Ok(match rename.check(c)? {
        Ok(renamed) => {
            store::names::replace_by_containers(c, site.id, &renamed)?;
            Ok(())
        }
        Err(message) => Err(Error::invalid_field("domain", message)),
    })
}

/// The initial domain of a site: its own domain, open to all users.
fn first_domain(site: SiteId, spec: &SiteSpec) -> DomainSpec {
    DomainSpec {
        site,
        name: spec.domain.clone(),
        sign_in: None,
        forwards_access_token: false,
        hsts: Hsts::Off,
        publishers: Publishers::AllUsers,
        certificate_source: CertificateSource::default(),
        provider: None,
        addresses: false,
    }
}

/// The first changed field that containers depend on.
fn fixed_field(old: &SiteSpec, new: &SiteSpec) -> Option<&'static str> {
    [
        ("name", old.name != new.name),
        ("cluster", old.cluster != new.cluster),
        ("network", old.network != new.network),
        ("gateway", old.gateway != new.gateway),
        ("bridge", old.bridge != new.bridge),
    ]
    .into_iter()
    .find_map(|(field, differs)| differs.then_some(field))
}

fn require_cluster(control: &Control, spec: &SiteSpec) -> Result<(), Error> {
    if control.observer().cluster(spec.cluster).is_some() {
        return Ok(());
    }
    Err(Error::invalid_field(
        "cluster",
        "The cluster does not exist.",
    ))
}

/// Checks the ranges of a site against the other sites of its cluster, which stays locked until the
/// transaction ends.
fn require_own_ranges(
    c: &mut Conn,
    id: Option<SiteId>,
    spec: &SiteSpec,
) -> Result<Result<(), Error>, store::Error> {
    let sites = store::sites::lock_cluster(c, spec.cluster)?;
    let mut fields = Fields::default();
    for other in sites.iter().filter(|other| Some(other.id) != id) {
        spec.check_overlap(&other.spec, &mut fields);
    }
    Ok(fields
        .finish(Some(()))
        .map_err(|fields| Error::Invalid { fields }))
}

/// Checks that the cluster has the bridge and the storages. Skipped when the cluster does not
/// respond in time, so that a site can be saved while its cluster is unreachable.
async fn require_resources(control: &Control, spec: &SiteSpec) -> Result<(), Error> {
    let request = clusters::check(control, &Actor::System, spec.cluster);
    let Ok(Ok(findings)) = tokio::time::timeout(FINDINGS_TIMEOUT, request).await else {
        return Ok(());
    };
    let mut fields = Fields::default();
    require(&mut fields, "bridge", &spec.bridge, &findings.bridges);
    let storages = findings.template_storages();
    require(
        &mut fields,
        "template_storage",
        &spec.template_storage,
        &storages,
    );
    let storages = findings.volume_storages();
    require(
        &mut fields,
        "volume_storage",
        &spec.volume_storage,
        &storages,
    );
    fields
        .finish(Some(()))
        .map_err(|fields| Error::Invalid { fields })
}

fn require<T: PartialEq + Display>(fields: &mut Fields, field: &str, desired: &T, available: &[T]) {
    if available.contains(desired) {
        return;
    }
    let names: Vec<String> = available.iter().map(ToString::to_string).collect();
    let message = if names.is_empty() {
        "No suitable choice is available on all nodes of the cluster.".to_owned()
    } else {
        format!(
            "{desired} is not available on all nodes of the cluster. Use {}.",
            names.join(" or ")
        )
    };
    fields.add_error(field, message);
}

fn publish_change(control: &Control, id: SiteId) {
    control.notifier().publish(Event::of(Topic::Site, id.0));
}
