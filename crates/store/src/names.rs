//! The names of a site: each has one holder, either a container, or a host, node or domain. Writers
//! lock the site first, so that a check and the claim after it see the same names. Must not decide
//! who may hold which name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;
use model::{
    ContainerId, SiteId,
    names::{ContainerNames, Domain, Label, NamePurpose, QualifiedName, Username},
    users::Role,
};

use crate::{
    Conn, Error, Unique,
    rows::RowRef,
    schema::{containers, domains, hosts, names, node_addresses, sites, users},
    sites as store_sites,
};

/// Returns who holds these names, without those of one container: that which is changed. One
/// statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_holders(
    c: &mut Conn,
    site: SiteId,
    candidates: &BTreeSet<QualifiedName>,
    except: Option<ContainerId>,
) -> Result<BTreeMap<QualifiedName, NamePurpose>, Error> {
    let texts: Vec<&str> = candidates.iter().map(QualifiedName::as_str).collect();
    let rows: Vec<(i64, String, String, Option<i64>)> = names::table
        .filter(names::site_id.eq(site.0))
        .filter(names::name.eq_any(texts))
        .select((names::id, names::name, names::purpose, names::container_id))
        .load(&mut c.0)?;
    let mut holders = BTreeMap::new();
    for (id, name, purpose, container) in rows {
        let is_own = container.is_some_and(|id| Some(ContainerId(id)) == except);
        let candidate = candidates.iter().find(|it| it.as_str() == name);
        if let (false, Some(name)) = (is_own, candidate) {
            let purpose = RowRef::new("names", &id).parse("purpose", &purpose)?;
            holders.insert(name.clone(), purpose);
        }
    }
    Ok(holders)
}

/// A container that holds a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerHolder {
    /// The container.
    pub container: Label,
    /// The owner of the container.
    pub owner: Username,
    /// The role of the owner.
    pub owner_role: Role,
}

/// Returns the containers that hold these names. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_container_holders<'a>(
    c: &mut Conn,
    site: SiteId,
    held: impl IntoIterator<Item = &'a QualifiedName>,
) -> Result<BTreeMap<QualifiedName, ContainerHolder>, Error> {
    let holders = list_container_holders_of_sites(c, held.into_iter().map(|name| (site, name)))?;
    let holders = holders.into_iter();
    Ok(holders.map(|((_, name), holder)| (name, holder)).collect())
}

/// As [`list_container_holders`], for names of several sites. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_container_holders_of_sites<'a>(
    c: &mut Conn,
    held: impl IntoIterator<Item = (SiteId, &'a QualifiedName)>,
) -> Result<BTreeMap<(SiteId, QualifiedName), ContainerHolder>, Error> {
    type Columns = (i64, String, (i64, String), (i64, String, String));
    let held: Vec<(SiteId, &QualifiedName)> = held.into_iter().collect();
    let texts: Vec<&str> = held.iter().map(|(_, name)| name.as_str()).collect();
    let sites: Vec<i64> = held.iter().map(|(site, _)| site.0).collect();
    let rows: Vec<Columns> = names::table
        .inner_join(containers::table.on(names::container_id.eq(containers::id.nullable())))
        .inner_join(users::table.on(users::id.eq(containers::owner_id)))
        .filter(names::site_id.eq_any(sites))
        .filter(names::name.eq_any(texts))
        .select((
            names::site_id,
            names::name,
            (containers::id, containers::name),
            (users::id, users::name, users::role),
        ))
        .load(&mut c.0)?;
    let mut holders = BTreeMap::new();
    for (site, name, (container_id, container), (owner_id, owner, role)) in rows {
        let owner_ref = RowRef::new("users", &owner_id);
        let holder = ContainerHolder {
            container: RowRef::new("containers", &container_id).parse("name", &container)?,
            owner: owner_ref.parse("name", &owner)?,
            owner_role: owner_ref.parse("role", &role)?,
        };
        let mut held = held.iter();
        if let Some((site, name)) = held.find(|(id, it)| id.0 == site && it.as_str() == name) {
            holders.insert((*site, (*name).clone()), holder);
        }
    }
    Ok(holders)
}

/// Returns an SRV name below `name` that a container holds, except one container. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn find_srv_below(
    c: &mut Conn,
    site: SiteId,
    name: &QualifiedName,
    except: Option<ContainerId>,
) -> Result<Option<QualifiedName>, Error> {
    // A name without underscores contains no wildcard of LIKE.
    let rows: Vec<(String, Option<i64>)> = names::table
        .filter(names::site_id.eq(site.0))
        .filter(names::purpose.eq(NamePurpose::Srv.as_str()))
        .filter(names::name.like(format!("%.{name}")))
        .select((names::name, names::container_id))
        .load(&mut c.0)?;
    let is_own = |id: Option<i64>| id.map(ContainerId) == except && except.is_some();
    let mut others = rows
        .into_iter()
        .filter(|(_, container)| !is_own(*container));
    let Some((found, _)) = others.next() else {
        return Ok(None);
    };
    let prefix = found.strip_suffix(&format!(".{name}")).unwrap_or_default();
    let row_ref = RowRef::new("names", &found);
    Ok(Some(name.with_prefix(&row_ref.parse("name", prefix)?)))
}

/// Replaces the names of a container.
///
/// # Errors
/// [`Error::Duplicate`] for a name that another object holds.
pub fn replace_by_container(
    c: &mut Conn,
    site: SiteId,
    container: ContainerId,
    claimed: &ContainerNames,
) -> Result<(), Error> {
    release(c, &[container])?;
    claim(c, site, container, claimed)
}

/// Replaces the names of several containers of a site, which may exchange names.
///
/// # Errors
/// [`Error::Duplicate`] for a name that another object holds.
pub fn replace_by_containers(
    c: &mut Conn,
    site: SiteId,
    claimed: &BTreeMap<ContainerId, ContainerNames>,
) -> Result<(), Error> {
    let containers: Vec<ContainerId> = claimed.keys().copied().collect();
    release(c, &containers)?;
    for (container, claimed) in claimed {
        claim(c, site, *container, claimed)?;
    }
    Ok(())
}

fn release(c: &mut Conn, containers: &[ContainerId]) -> Result<(), Error> {
    for chunk in containers.chunks(500) {
        let ids: Vec<Option<i64>> = chunk.iter().map(|id| Some(id.0)).collect();
        diesel::delete(names::table.filter(names::container_id.eq_any(ids))).execute(&mut c.0)?;
    }
    Ok(())
}

fn claim(
    c: &mut Conn,
    site: SiteId,
    container: ContainerId,
    claimed: &ContainerNames,
) -> Result<(), Error> {
    for (name, purpose) in claimed.iter() {
        insert(c, site, name, purpose, Some(container))?;
    }
    Ok(())
}

fn insert(
    c: &mut Conn,
    site: SiteId,
    name: &QualifiedName,
    purpose: NamePurpose,
    container: Option<ContainerId>,
) -> Result<(), Error> {
    diesel::insert_into(names::table)
        .values((
            names::site_id.eq(site.0),
            names::name.eq(name.as_str()),
            names::purpose.eq(purpose.as_str()),
            names::container_id.eq(container.map(|id| id.0)),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    Ok(())
}

/// Replaces the names of the site's hosts, nodes and domains, which may share a name with each
/// other but not with a container. A name that a container holds stays with the container. Locks
/// the site.
///
/// # Errors
/// [`Error::Duplicate`] when a container holds `claimed` or an SRV name below it.
pub(crate) fn refresh_infrastructure(
    c: &mut Conn,
    site: SiteId,
    claimed: Option<&QualifiedName>,
) -> Result<(), Error> {
    store_sites::lock_row(c, site)?;
    let mut missing = list_infrastructure(c, site)?;
    let stored: Vec<(i64, String, String)> = names::table
        .filter(names::site_id.eq(site.0))
        .filter(names::container_id.is_null())
        .select((names::id, names::name, names::purpose))
        .load(&mut c.0)?;
    let by_text: HashMap<String, QualifiedName> = missing
        .keys()
        .map(|name| (name.to_string(), name.clone()))
        .collect();
    let mut stale = Vec::new();
    for (id, name, purpose) in stored {
        let name = by_text.get(&name);
        let current =
            name.filter(|name| missing.get(name).is_some_and(|it| it.as_str() == purpose));
        match current {
            Some(name) => {
                missing.remove(name);
            }
            None => stale.push(id),
        }
    }
    for chunk in stale.chunks(500) {
        diesel::delete(names::table.filter(names::id.eq_any(chunk))).execute(&mut c.0)?;
    }
    let held = list_holders(c, site, &missing.keys().cloned().collect(), None)?;
    if let Some(name) = claimed
        && (held.contains_key(name) || find_srv_below(c, site, name, None)?.is_some())
    {
        return Err(Error::Duplicate(Unique::Name));
    }
    for (name, purpose) in &missing {
        if !held.contains_key(name) {
            insert(c, site, name, *purpose, None)?;
        }
    }
    Ok(())
}

/// Returns the names of the site's domains, hosts and nodes. Four statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list_infrastructure(
    c: &mut Conn,
    site: SiteId,
) -> Result<BTreeMap<QualifiedName, NamePurpose>, Error> {
    let row: Option<(String, i64)> = sites::table
        .find(site.0)
        .select((sites::domain, sites::cluster_id))
        .first(&mut c.0)
        .optional()?;
    let Some((own, cluster)) = row else {
        return Ok(BTreeMap::new());
    };
    let own: Domain = RowRef::new("sites", &site).parse("domain", &own)?;
    let domains: Vec<(i64, String)> = domains::table
        .filter(domains::site_id.eq(site.0))
        .select((domains::id, domains::name))
        .load(&mut c.0)?;
    let hosts: Vec<(i64, String)> = hosts::table
        .filter(hosts::site_id.eq(site.0))
        .select((hosts::id, hosts::name))
        .load(&mut c.0)?;
    let nodes: Vec<String> = node_addresses::table
        .filter(node_addresses::cluster_id.eq(cluster))
        .select(node_addresses::node)
        .load(&mut c.0)?;
    let mut all = BTreeMap::from([(QualifiedName::from(&own), NamePurpose::Domain)]);
    for (id, domain) in domains {
        let domain: Domain = RowRef::new("domains", &id).parse("name", &domain)?;
        all.insert(QualifiedName::from(&domain), NamePurpose::Domain);
    }
    for (id, host) in hosts {
        let label: Label = RowRef::new("hosts", &id).parse("name", &host)?;
        all.insert(QualifiedName::of_label(&label, &own), NamePurpose::Host);
    }
    for node in nodes {
        let label: Label = RowRef::new("node_addresses", &node).parse("node", &node)?;
        all.entry(QualifiedName::of_label(&label, &own))
            .or_insert(NamePurpose::Node);
    }
    Ok(all)
}
