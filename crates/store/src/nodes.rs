//! The addresses of nodes in their clusters, as last observed.

use std::{collections::BTreeMap, net::Ipv4Addr};

use diesel::prelude::*;
use model::{ClusterId, SiteId, names::NodeName};

use crate::{
    Conn, Error, names,
    rows::RowRef,
    schema::{node_addresses, sites},
};

/// Returns the addresses of a cluster's nodes by node name. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_addresses(
    c: &mut Conn,
    cluster: ClusterId,
) -> Result<BTreeMap<NodeName, Ipv4Addr>, Error> {
    let rows: Vec<(String, String)> = node_addresses::table
        .filter(node_addresses::cluster_id.eq(cluster.0))
        .select((node_addresses::node, node_addresses::address))
        .load(&mut c.0)?;
    let row_ref = RowRef::new("node_addresses", &cluster);
    let rows = rows.into_iter().map(|(node, address)| {
        Ok((
            row_ref.parse("node", &node)?,
            row_ref.parse("address", &address)?,
        ))
    });
    rows.collect()
}

/// Replaces the addresses of a cluster's nodes. Returns whether they changed; then the generations
/// of the cluster's sites are incremented.
///
/// # Errors
/// [`Error::NotFound`] when the cluster does not exist.
pub fn replace_addresses(
    c: &mut Conn,
    cluster: ClusterId,
    current: &BTreeMap<NodeName, Ipv4Addr>,
) -> Result<bool, Error> {
    if list_addresses(c, cluster)? == *current {
        return Ok(false);
    }
    // Locks the sites, so that no container claims a node's name at the same time.
    diesel::update(sites::table.filter(sites::cluster_id.eq(cluster.0)))
        .set(sites::generation.eq(sites::generation + 1))
        .execute(&mut c.0)?;
    let of_cluster = node_addresses::table.filter(node_addresses::cluster_id.eq(cluster.0));
    diesel::delete(of_cluster).execute(&mut c.0)?;
    for (node, address) in current {
        diesel::insert_into(node_addresses::table)
            .values((
                node_addresses::cluster_id.eq(cluster.0),
                node_addresses::node.eq(node.as_str()),
                node_addresses::address.eq(address.to_string()),
            ))
            .execute(&mut c.0)
            .map_err(Error::from_insert)?;
    }
    let sites: Vec<i64> = sites::table
        .filter(sites::cluster_id.eq(cluster.0))
        .order(sites::id)
        .select(sites::id)
        .load(&mut c.0)?;
    for site in sites {
        names::refresh_infrastructure(c, SiteId(site), None)?;
    }
    Ok(true)
}
