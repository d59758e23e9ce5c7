//! Addresses, VMIDs and ports that are in use. The allocator uses these lists to choose a
//! candidate; the unique indexes decide whether it is free.

use std::{collections::BTreeSet, net::Ipv4Addr};

use diesel::prelude::*;
use model::{
    ClusterId, ContainerId, SiteId, UserId, names::Label, services::ServiceKind, sites::VmidRange,
};

use crate::{
    Conn, Error,
    rows::{self, RowRef},
    schema::{containers, services, sites},
};

/// Returns VMID, id and owner of the containers of a cluster, ordered by VMID.
///
/// # Errors
/// When the database is unavailable.
pub fn list_vmids_by_cluster(
    c: &mut Conn,
    cluster: ClusterId,
) -> Result<Vec<(u32, ContainerId, UserId)>, Error> {
    let rows: Vec<(i64, i64, i64)> = containers::table
        .filter(containers::cluster_id.eq(cluster.0))
        .order(containers::vmid)
        .select((containers::vmid, containers::id, containers::owner_id))
        .load(&mut c.0)?;
    let rows = rows.into_iter().map(|(vmid, id, owner)| {
        let vmid = RowRef::new("containers", &id).convert_number("vmid", vmid)?;
        Ok((vmid, ContainerId(id), UserId(owner)))
    });
    rows.collect()
}

/// Returns the IP addresses of a site that containers use.
///
/// # Errors
/// When the database is unavailable.
pub fn list_used_addresses(c: &mut Conn, site: SiteId) -> Result<BTreeSet<Ipv4Addr>, Error> {
    let rows: Vec<(i64, String)> = containers::table
        .filter(containers::site_id.eq(site.0))
        .select((containers::id, containers::address))
        .load(&mut c.0)?;
    let address = |(id, text): &(i64, String)| RowRef::new("containers", id).parse("address", text);
    rows.iter().map(address).collect()
}

/// Returns the VMIDs of a range that containers of a cluster use.
///
/// # Errors
/// When the database is unavailable.
pub fn list_used_vmids(
    c: &mut Conn,
    cluster: ClusterId,
    range: &VmidRange,
) -> Result<BTreeSet<u32>, Error> {
    let rows: Vec<(i64, i64)> = containers::table
        .filter(containers::cluster_id.eq(cluster.0))
        .filter(containers::vmid.between(i64::from(range.first), i64::from(range.last)))
        .select((containers::id, containers::vmid))
        .load(&mut c.0)?;
    rows.iter()
        .map(|(id, vmid)| RowRef::new("containers", id).convert_number("vmid", *vmid))
        .collect()
}

/// Returns the external ports of a site that services of a kind use.
///
/// # Errors
/// When the database is unavailable.
pub fn list_used_ports(
    c: &mut Conn,
    site: SiteId,
    kind: ServiceKind,
) -> Result<BTreeSet<u16>, Error> {
    let rows: Vec<(i64, Option<i64>)> = services::table
        .filter(services::site_id.eq(site.0))
        .filter(services::kind.eq(kind.as_str()))
        .filter(services::external_port.is_not_null())
        .select((services::id, services::external_port))
        .load(&mut c.0)?;
    let port = |(id, port): &(i64, Option<i64>)| {
        port.map(|port| RowRef::new("services", id).convert_number("external_port", port))
    };
    rows.iter().filter_map(port).collect()
}

/// Returns the names of a site's containers.
///
/// # Errors
/// When the database is unavailable.
pub fn list_names(c: &mut Conn, site: &Label) -> Result<BTreeSet<Label>, Error> {
    let rows: Vec<(i64, String)> = containers::table
        .inner_join(sites::table)
        .filter(sites::name.eq(site.as_str()))
        .select((containers::id, containers::name))
        .load(&mut c.0)?;
    rows.iter()
        .map(|(id, name)| RowRef::new("containers", id).parse("name", name))
        .collect()
}

/// Returns the number of containers of one user or of all users.
///
/// # Errors
/// When the database is unavailable.
pub fn count(c: &mut Conn, owner: Option<UserId>) -> Result<u64, Error> {
    let number: i64 = match owner {
        Some(owner) => containers::table
            .filter(containers::owner_id.eq(owner.0))
            .count()
            .get_result(&mut c.0)?,
        None => containers::table.count().get_result(&mut c.0)?,
    };
    Ok(u64::from(rows::to_u32(number)))
}
