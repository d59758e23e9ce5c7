//! The addresses of nodes in their clusters, as last observed.

use std::{collections::BTreeMap, net::Ipv4Addr};

use diesel::prelude::*;
use model::{
    ClusterId, SiteId,
    names::{Domain, Label, NodeName, QualifiedName},
};

use crate::{
    Conn, Error,
    names::{self, ContainerHolder},
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

/// A node that has no name in a site, because a container holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnnamedNode {
    /// The node.
    pub node: NodeName,
    /// The name of the site.
    pub site: Label,
    /// The name.
    pub name: QualifiedName,
    /// The container that holds the name.
    pub holder: ContainerHolder,
}

/// Returns the nodes of a cluster that have no name in one of its sites, by site. Three statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list_unnamed(c: &mut Conn, cluster: ClusterId) -> Result<Vec<UnnamedNode>, Error> {
    let nodes = list_addresses(c, cluster)?;
    let sites: Vec<(i64, String, String)> = sites::table
        .filter(sites::cluster_id.eq(cluster.0))
        .order(sites::name)
        .select((sites::id, sites::name, sites::domain))
        .load(&mut c.0)?;
    let mut named: Vec<(SiteId, Label, NodeName, QualifiedName)> = Vec::new();
    for (id, site, domain) in sites {
        let row_ref = RowRef::new("sites", &id);
        let (site, domain): (Label, Domain) = (
            row_ref.parse("name", &site)?,
            row_ref.parse("domain", &domain)?,
        );
        named.extend(nodes.keys().filter_map(|node| {
            let label: Label = node.as_str().parse().ok()?;
            let name = QualifiedName::of_label(&label, &domain);
            Some((SiteId(id), site.clone(), node.clone(), name))
        }));
    }
    let held = named.iter().map(|(site, _, _, name)| (*site, name));
    let mut holders = names::list_container_holders_of_sites(c, held)?;
    let unnamed = named.into_iter().filter_map(|(id, site, node, name)| {
        let holder = holders.remove(&(id, name.clone()))?;
        Some(UnnamedNode {
            node,
            site,
            name,
            holder,
        })
    });
    Ok(unnamed.collect())
}
