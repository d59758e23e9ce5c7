//! The addresses of a cluster's nodes, for the hostnames of its sites. Queried when the set of
//! nodes changes and at intervals, and stored in the database so that the names resolve while the
//! cluster is unreachable.

use std::net::Ipv4Addr;

use model::{
    ClusterId,
    events::{Event, Topic},
    names::NodeName,
};

use super::observation::Observation;
use crate::{Control, background::Lease};

/// After this many passes the addresses are queried again, because a node may have a new one.
const REFRESH_PASSES: u32 = 200;

/// The nodes at the last query.
#[derive(Default)]
pub(super) struct NodeAddresses {
    names: Option<Vec<NodeName>>,
    passes: u32,
}

impl NodeAddresses {
    /// The nodes in an observation, or `None` when the cluster did not respond.
    pub(super) fn names_in(observation: &Observation) -> Option<Vec<NodeName>> {
        match observation {
            Observation::Success(inventory) => Some(
                inventory
                    .nodes
                    .iter()
                    .map(|node| node.name.clone())
                    .collect(),
            ),
            Observation::Failure { .. } => None,
        }
    }

    /// Queries the addresses if they are due. Stores them only while `lease` is held, if there is
    /// one.
    pub(super) async fn refresh(
        &mut self,
        control: &Control,
        cluster: ClusterId,
        nodes: Option<Vec<NodeName>>,
        lease: Option<&Lease>,
    ) {
        let Some(nodes) = nodes else { return };
        self.passes += 1;
        if self.names.as_ref() == Some(&nodes) && self.passes < REFRESH_PASSES {
            return;
        }
        // Set before the query, so that a failure is not repeated in each pass.
        (self.names, self.passes) = (Some(nodes), 0);
        let Some(client) = control.0.clients.get(cluster) else {
            return;
        };
        if let Some(lease) = lease {
            lease.wait_until_usable().await;
        }
        let status = match client.cluster_status().await {
            Ok(status) => status,
            Err(error) => {
                tracing::debug!(%cluster, %error, cause = error.cause(), "node address query failed");
                return;
            }
        };
        let addresses = status.nodes.iter().filter_map(address).collect();
        let held = lease.map(|lease| (lease.owner(), lease.term_ms()));
        let set = move |c: &mut store::Conn| {
            if let Some((owner, term)) = &held
                && !store::observations::renew_lease(c, cluster, owner, *term)?
            {
                return Ok(false);
            }
            store::nodes::replace_addresses(c, cluster, &addresses)
        };
        match control.store().write(set).await {
            Ok(true) => control
                .notifier()
                .publish_to_operators(Event::all(Topic::Site)),
            // The cluster may have been deleted in the meantime.
            Ok(false) | Err(store::Error::NotFound) => {}
            Err(error) => tracing::warn!(%cluster, %error, "node address write failed"),
        }
    }
}

/// The name and address of a node, if other hosts can reach the address.
fn address(node: &proxmox::ClusterNode) -> Option<(NodeName, Ipv4Addr)> {
    let address: Ipv4Addr = node.ip.as_deref()?.parse().ok()?;
    let is_reachable = !address.is_loopback() && !address.is_unspecified();
    Some((node.name.parse().ok()?, address)).filter(|_| is_reachable)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn loopback_address_of_a_node_is_ignored() {
        let node = |ip: Option<&str>| proxmox::ClusterNode {
            name: "pve1".into(),
            ip: ip.map(Into::into),
            online: true,
            local: true,
        };
        let of = |ip| address(&node(ip)).map(|(_, address)| address);
        assert_eq!(of(Some("192.0.2.11")), Some(Ipv4Addr::new(192, 0, 2, 11)));
        for none in [Some("127.0.1.1"), Some("0.0.0.0"), Some("fd00::1"), None] {
            assert_eq!(of(none), None);
        }
    }
}
