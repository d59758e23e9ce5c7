//! The containers of a site for its edge hosts: names, addresses and services.

use std::{collections::BTreeSet, net::Ipv4Addr};

use diesel::{dsl::max, prelude::*};
use model::{
    ContainerId, ServiceId, SiteId, UserId, names::Label, net::MacAddress, services::ServiceView,
};

use super::services as container_services;
use crate::{
    Conn, Error,
    rows::RowRef,
    schema::{containers, domains, services},
};

/// A container in its site's network. Its address is reserved before it is created in Proxmox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteContainer {
    /// The container.
    pub id: ContainerId,
    /// The name.
    pub name: Label,
    /// The IP address.
    pub address: Ipv4Addr,
    /// The MAC address.
    pub mac: MacAddress,
    /// The services.
    pub services: Vec<ServiceView>,
}

/// Returns all containers of a site, ordered by name. Two statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list_with_services(c: &mut Conn, site: SiteId) -> Result<Vec<SiteContainer>, Error> {
    let rows: Vec<(i64, String, String, String)> = containers::table
        .filter(containers::site_id.eq(site.0))
        .order(containers::name)
        .select((
            containers::id,
            containers::name,
            containers::address,
            containers::mac,
        ))
        .load(&mut c.0)?;
    let mut services_by_container = container_services::list_by_site(c, site)?;
    let containers = rows.into_iter().map(|(id, name, address, mac)| {
        let row_ref = RowRef::new("containers", &id);
        Ok(SiteContainer {
            id: ContainerId(id),
            name: row_ref.parse("name", &name)?,
            address: row_ref.parse("address", &address)?,
            mac: row_ref.parse("mac", &mac)?,
            services: services_by_container.remove(&id).unwrap_or_default(),
        })
    });
    containers.collect()
}

/// Returns the generation of the last change to a container or to the domains that it publishes
/// under. Edge hosts that applied this generation have the current state of the container. Two
/// statements.
///
/// # Errors
/// When the database is unavailable.
pub fn get_generation(c: &mut Conn, id: ContainerId) -> Result<i64, Error> {
    let own: Option<i64> = containers::table
        .find(id.0)
        .select(containers::generation)
        .first(&mut c.0)
        .optional()?;
    let of_domains: Option<i64> = services::table
        .inner_join(domains::table)
        .filter(services::container_id.eq(id.0))
        .select(max(domains::generation))
        .first(&mut c.0)?;
    Ok(own.max(of_domains).unwrap_or_default())
}

/// Returns the containers of a site, each with its owner, that changed after a generation, directly
/// or by their domains, and the containers of these services; at most twice `limit`. Three
/// statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list_affected(
    c: &mut Conn,
    site: SiteId,
    after: i64,
    service_ids: &[ServiceId],
    limit: i64,
) -> Result<BTreeSet<(ContainerId, UserId)>, Error> {
    let mut rows: Vec<(i64, i64)> = containers::table
        .filter(containers::site_id.eq(site.0))
        .filter(containers::generation.gt(after))
        .select((containers::id, containers::owner_id))
        .limit(limit)
        .load(&mut c.0)?;
    let changed_domains: Vec<i64> = domains::table
        .filter(domains::site_id.eq(site.0))
        .filter(domains::generation.gt(after))
        .select(domains::id)
        .load(&mut c.0)?;
    if !changed_domains.is_empty() || !service_ids.is_empty() {
        let changed_domains: Vec<Option<i64>> = changed_domains.into_iter().map(Some).collect();
        let service_ids: Vec<i64> = service_ids.iter().map(|id| id.0).collect();
        let by_service: Vec<(i64, i64)> = services::table
            .inner_join(containers::table.on(containers::id.eq(services::container_id)))
            .filter(services::site_id.eq(site.0))
            .filter(
                services::domain_id
                    .eq_any(changed_domains)
                    .assume_not_null()
                    .or(services::id.eq_any(service_ids)),
            )
            .select((containers::id, containers::owner_id))
            .distinct()
            .limit(limit)
            .load(&mut c.0)?;
        rows.extend(by_service);
    }
    let pairs = rows.into_iter();
    Ok(pairs
        .map(|(id, owner)| (ContainerId(id), UserId(owner)))
        .collect())
}

/// Returns the names of the containers that these services belong to. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_names_by_services(
    c: &mut Conn,
    service_ids: &[ServiceId],
) -> Result<Vec<(ServiceId, Label)>, Error> {
    let service_ids: Vec<i64> = service_ids.iter().map(|id| id.0).collect();
    let rows: Vec<(i64, i64, String)> = services::table
        .inner_join(containers::table.on(containers::id.eq(services::container_id)))
        .filter(services::id.eq_any(service_ids))
        .order(services::id)
        .select((services::id, containers::id, containers::name))
        .load(&mut c.0)?;
    let named = rows.into_iter().map(|(id, container, name)| {
        let name = RowRef::new("containers", &container).parse("name", &name)?;
        Ok((ServiceId(id), name))
    });
    named.collect()
}
