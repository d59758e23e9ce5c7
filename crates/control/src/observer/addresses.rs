//! The addresses of a cluster's nodes, for the hostnames of its sites. Queried when the set of
//! nodes changes and at intervals, and stored in the database so that the names resolve while the
//! cluster is unreachable.

use std::net::Ipv4Addr;

use model::{
    ClusterId,
    events::{Event, Topic},
    names::NodeName,
};

use super::heard::Heard;
use crate::{Control, hub::Audience};

/// After this many rounds the addresses are queried again, because a node may have a new one.
const ROUNDS: u32 = 200;

/// The nodes at the last query.
#[derive(Default)]
pub(super) struct Nodes {
    names: Option<Vec<NodeName>>,
    rounds: u32,
}

impl Nodes {
    /// The nodes in an observation, or `None` when the cluster did not respond.
    pub(super) fn of(heard: &Heard) -> Option<Vec<NodeName>> {
        match heard {
            Heard::Answer(inventory) => Some(
                inventory
                    .nodes
                    .iter()
                    .map(|node| node.name.clone())
                    .collect(),
            ),
            Heard::Trouble { .. } => None,
        }
    }

    /// Queries the addresses if they are due.
    pub(super) async fn look(
        &mut self,
        control: &Control,
        cluster: ClusterId,
        seen: Option<Vec<NodeName>>,
    ) {
        let Some(seen) = seen else { return };
        self.rounds += 1;
        if self.names.as_ref() == Some(&seen) && self.rounds < ROUNDS {
            return;
        }
        // Set before the query, so that a failure is not repeated in each round.
        (self.names, self.rounds) = (Some(seen), 0);
        let Some(client) = control.0.proxmoxes.get(cluster) else {
            return;
        };
        let status = match client.cluster_status().await {
            Ok(status) => status,
            Err(error) => {
                tracing::debug!(%cluster, error = error.cause(), "failed to query node addresses");
                return;
            }
        };
        let addresses = status.nodes.iter().filter_map(address).collect();
        let set = move |c: &mut store::Conn| store::nodes::set_addresses(c, cluster, &addresses);
        match control.store().write(set).await {
            Ok(true) => control
                .hub()
                .tell(Event::all(Topic::Site), Audience::Operators),
            // The cluster may have been deleted in the meantime.
            Ok(false) | Err(store::Error::NotFound) => {}
            Err(error) => tracing::warn!(?error, "failed to store node addresses"),
        }
    }
}

/// The name and address of a node, if other hosts can reach the address.
fn address(node: &proxmox::ClusterNode) -> Option<(NodeName, Ipv4Addr)> {
    let address: Ipv4Addr = node.ip.as_deref()?.parse().ok()?;
    let elsewhere = !address.is_loopback() && !address.is_unspecified();
    Some((node.name.parse().ok()?, address)).filter(|_| elsewhere)
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
