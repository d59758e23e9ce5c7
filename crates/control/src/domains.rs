//! Domains that sites publish under: publishers, the sign-in proxy, HSTS, and the certificate
//! source.

mod detail;

use model::{
    DomainId, Error, Kind, SiteId, Timestamp,
    certificates::CertificateSource,
    domains::{DomainRow, DomainSpec, Publishers, RecordFailure},
    events::{Event, Topic},
    names::{Domain, NamePurpose, QualifiedName},
    permissions::{CertificateManage, DomainManage, DomainRead, Permit, PublishAnywhere},
};
use store::{Conn, certificates::CertificateScope};

pub use detail::{create_options, get_detail};

use crate::{
    Actor, Control,
    failure::StoreResultExt as _,
    names::{self, Rename},
};

/// Lists all domains by name.
///
/// # Errors
/// [`Error::Forbidden`] for members, who see usable domains in the container form.
pub async fn list(control: &Control, actor: &Actor) -> Result<Vec<DomainRow>, Error> {
    let _: Permit<DomainRead> = actor.permit()?;
    control
        .store()
        .read(store::domains::list)
        .await
        .into_model("list domains")
}

/// Returns a domain.
///
/// # Errors
/// [`Error::NotFound`] when the domain does not exist.
pub async fn get(control: &Control, actor: &Actor, id: DomainId) -> Result<DomainRow, Error> {
    let _: Permit<DomainRead> = actor.permit()?;
    control
        .store()
        .read(move |c| store::domains::get(c, id))
        .await
        .into_model("get domain")?
        .ok_or(Error::not_found(Kind::Domain))
}

/// Adds a domain.
///
/// # Errors
/// [`Error::Invalid`] for a domain that the site has already, a sign-in at the name of a container,
/// or an unknown site or user.
pub async fn create(control: &Control, actor: &Actor, spec: DomainSpec) -> Result<DomainId, Error> {
    let permit: Permit<DomainManage> = actor.permit()?;
    let id = control
        .store()
        .write(move |c| {
            if let Err(refusal) = check_publishers(c, &spec)? {
                return Ok(Err(refusal));
            }
            if let Err(refusal) = check_sources(c, &spec)? {
                return Ok(Err(refusal));
            }
            if let Err(message) = check_only_site(c, &spec.name, Some(spec.site))? {
                return Ok(Err(Error::invalid_field("name", message)));
            }
            if store::sites::lock(c, spec.site)?.is_none() {
                return Ok(Err(Error::invalid_field(
                    "site",
                    "The site does not exist.",
                )));
            }
            let name = QualifiedName::from(&spec.name);
            if let Err(refusal) = names::check_no_container(c, spec.site, &name)? {
                return Ok(Err(refusal));
            }
            if let Err(refusal) = check_sign_in(c, None, &spec)? {
                return Ok(Err(refusal));
            }
            Ok(Ok(store::domains::insert(c, permit, &spec)?))
        })
        .await
        .into_model("create domain")??;
    publish_change(control, id);
    Ok(id)
}

/// Changes a domain. Services that are already published under it stay, also if their owners may no
/// longer publish under it.
///
/// # Errors
/// As for [`create`]; [`Error::NotFound`] when the domain does not exist, [`Error::Invalid`] for
/// another site.
pub async fn update(
    control: &Control,
    actor: &Actor,
    id: DomainId,
    spec: DomainSpec,
) -> Result<(), Error> {
    let permit: Permit<DomainManage> = actor.permit()?;
    let clock = control.clock();
    let manager = control.manager_name().cloned();
    control
        .store()
        .write(move |c| {
            let Some(current) = store::domains::get(c, id)? else {
                return Ok(Err(Error::not_found(Kind::Domain)));
            };
            if current.spec.site != spec.site {
                let message = "The site of a domain cannot change. Delete the domain and add it to \
                    the other site.";
                return Ok(Err(Error::invalid_field("site", message)));
            }
            if let Err(refusal) = check_publishers(c, &spec)? {
                return Ok(Err(refusal));
            }
            if let Err(refusal) = check_sources(c, &spec)? {
                return Ok(Err(refusal));
            }
            if let Err(refusal) = apply(c, permit, (id, &current.spec), &spec, manager.as_ref())? {
                return Ok(Err(refusal));
            }
            if (current.spec.certificate_source, current.spec.provider)
                != (spec.certificate_source, spec.provider)
            {
                let now = clock.now(c)?;
                retry_with_new_source(c, permit.narrow(), id, spec.certificate_source, now)?;
            }
            Ok(Ok(()))
        })
        .await
        .into_model("update domain")??;
    publish_change(control, id);
    Ok(())
}

/// Retries failed certificates immediately with the new source, and replaces certificates of
/// another CA.
fn retry_with_new_source(
    c: &mut Conn,
    permit: Permit<CertificateManage>,
    id: DomainId,
    source: CertificateSource,
    now: Timestamp,
) -> Result<(), store::Error> {
    store::certificates::revoke_leases(c, permit, CertificateScope::Domain(id))?;
    store::certificates::retry_failed(c, permit, CertificateScope::Domain(id), now)?;
    match source.certificate_authority() {
        Some(authority) => store::certificates::schedule_replacement(c, permit, id, authority, now),
        None => Ok(()),
    }
}

/// The address records of a domain that could not be created at its DNS provider, by name; at most
/// 20.
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn list_address_errors(
    control: &Control,
    actor: &Actor,
    id: DomainId,
) -> Result<Vec<RecordFailure>, Error> {
    let _: Permit<DomainRead> = actor.permit()?;
    control
        .store()
        .read(move |c| store::dns_records::list_errors(c, id))
        .await
        .into_model("list DNS record errors")
}

/// Deletes a domain that has no services.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the domain's name, [`Error::Conflict`] while the domain
/// is in use.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: DomainId,
    confirm: &str,
) -> Result<(), Error> {
    let permit: Permit<DomainManage> = actor.permit()?;
    let confirm = confirm.trim().to_owned();
    let result = control
        .store()
        .write(move |c| {
            let Some(current) = store::domains::get(c, id)? else {
                return Ok(Err(Error::not_found(Kind::Domain)));
            };
            let name = current.spec.name;
            if name.as_str() != confirm {
                let message = format!("Type {name} to delete the domain.");
                return Ok(Err(Error::invalid_field("confirm", message)));
            }
            store::domains::delete(c, permit, id)?;
            Ok(Ok(()))
        })
        .await;
    if result == Err(store::Error::InUse) {
        let message = "Services are published under this domain. Move them to another domain or \
            delete them first.";
        return Err(Error::conflict(message));
    }
    result.into_model("delete domain")??;
    publish_change(control, id);
    Ok(())
}

/// Whether the actor may publish under a domain with these publishers.
pub(crate) fn may_publish(actor: &Actor, publishers: &Publishers) -> bool {
    let is_allowed = actor.me().is_some_and(|me| publishers.allows(&me.name));
    is_allowed || actor.permit::<PublishAnywhere>().is_ok()
}

fn check_publishers(c: &mut Conn, spec: &DomainSpec) -> Result<Result<(), Error>, store::Error> {
    let Publishers::Users(users) = &spec.publishers else {
        return Ok(Ok(()));
    };
    let unknown = store::users::list_missing_names(c, users)?;
    Ok(match unknown.first() {
        None => Ok(()),
        Some(name) => Err(Error::invalid_field(
            "users",
            format!("The user {name} does not exist."),
        )),
    })
}

/// Checks that the CA and the DNS provider exist, and that the provider supports the requested
/// features.
fn check_sources(c: &mut Conn, spec: &DomainSpec) -> Result<Result<(), Error>, store::Error> {
    if !store::authorities::source_exists(c, spec.certificate_source)? {
        let message = "The CA does not exist. Choose another.";
        return Ok(Err(Error::invalid_field("authority", message)));
    }
    let Some(provider) = spec.provider else {
        return Ok(Ok(()));
    };
    let all = store::providers::list(c)?;
    let Some(provider) = all.into_iter().find(|it| it.id == provider) else {
        let message = "The DNS provider does not exist. Choose another.";
        return Ok(Err(Error::invalid_field("provider", message)));
    };
    Ok(
        match spec.addresses && !provider.settings.kind().supports_address_records() {
            true => {
                let message = format!(
                    "{} stores DNS-01 challenges only, not addresses.",
                    provider.name
                );
                Err(Error::invalid_field("addresses", message))
            }
            false => Ok(()),
        },
    )
}

/// Checks that no member's container holds the hostname of a new sign-in, whose visitors its owner
/// would receive. Locks the site.
fn check_sign_in(
    c: &mut Conn,
    current: Option<&DomainSpec>,
    spec: &DomainSpec,
) -> Result<Result<(), Error>, store::Error> {
    let Some(name) = new_sign_in(current, spec) else {
        return Ok(Ok(()));
    };
    store::sites::lock(c, spec.site)?;
    let holders = store::names::list_container_holders(c, spec.site, [&name])?;
    let holder = holders.get(&name);
    Ok(
        match holder.filter(|it| !it.owner_role.may::<DomainManage>()) {
            None => Ok(()),
            Some(holder) => {
                let message = names::refusal(&name, NamePurpose::Container, Some(holder));
                Err(Error::invalid_field("sign_in", message))
            }
        },
    )
}

/// The hostname of the sign-in, unless it is unchanged.
fn new_sign_in(current: Option<&DomainSpec>, spec: &DomainSpec) -> Option<QualifiedName> {
    let name = sign_in_name(spec)?;
    (current.and_then(sign_in_name).as_ref() != Some(&name)).then_some(name)
}

fn sign_in_name(spec: &DomainSpec) -> Option<QualifiedName> {
    Some(QualifiedName::from(spec.sign_in.as_ref()?.name()?))
}

/// Checks that no other site than `site` has the domain: both would serve the same hostnames, for
/// different owners. Locks all sites, so that two sites cannot get it at the same time.
pub(crate) fn check_only_site(
    c: &mut Conn,
    name: &Domain,
    site: Option<SiteId>,
) -> Result<Result<(), String>, store::Error> {
    store::sites::lock_all(c)?;
    let other = store::domains::find_other_site(c, name, site)?;
    Ok(match other {
        None => Ok(()),
        Some(site) => Err(format!(
            "The site {site} has this domain. Choose another domain."
        )),
    })
}

/// Writes the changed domain. A new name changes the hostnames of all services under the domain.
fn apply(
    c: &mut Conn,
    permit: Permit<DomainManage>,
    (id, current): (DomainId, &DomainSpec),
    spec: &DomainSpec,
    manager: Option<&Domain>,
) -> Result<Result<(), Error>, store::Error> {
    if spec.name == current.name {
        if let Err(refusal) = check_sign_in(c, Some(current), spec)? {
            return Ok(Err(refusal));
        }
        return store::domains::update(c, permit, id, spec).map(Ok);
    }
    if let Err(message) = check_only_site(c, &spec.name, Some(spec.site))? {
        return Ok(Err(Error::invalid_field("name", message)));
    }
    let Some(site) = store::sites::lock(c, spec.site)? else {
        return Ok(Err(Error::not_found(Kind::Domain)));
    };
    let rename = Rename {
        site: &site,
        domain: &site.spec.domain,
        published: Some((&current.name, &spec.name)),
        manager,
    };
    let renamed = match rename.check(c)? {
        Ok(renamed) => renamed,
        Err(message) => return Ok(Err(Error::invalid_field("name", message))),
    };
    let is_held = |name: &QualifiedName| {
        let mut all = renamed.values().flat_map(|held| held.iter());
        all.any(|(held, _)| held == name)
    };
    if let Some(name) = new_sign_in(Some(current), spec).filter(is_held) {
        let message = names::refusal(&name, NamePurpose::Container, None);
        return Ok(Err(Error::invalid_field("sign_in", message)));
    }
    store::names::replace_by_containers(c, site.id, &renamed)?;
    store::domains::update(c, permit, id, spec).map(Ok)
}

fn publish_change(control: &Control, id: DomainId) {
    control.notifier().publish(Event::of(Topic::Domain, id.0));
}
