//! The addresses of a cluster's nodes, for the names of its sites. They are asked for when the nodes
//! are others than before, and now and then, and kept in the database: names are answered while the
//! cluster is away, too.

use std::net::Ipv4Addr;

use model::{
    ClusterId,
    events::{Event, Topic},
    names::NodeName,
};

use super::heard::Heard;
use crate::{Control, hub::Audience};

/// After so many rounds the addresses are asked for again, for a node may get another.
const ROUNDS: u32 = 200;

/// The nodes whose addresses were asked for last.
#[derive(Default)]
pub(super) struct Nodes {
    names: Option<Vec<NodeName>>,
    rounds: u32,
}

impl Nodes {
    /// The nodes that a cluster told of; none when it did not answer.
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

    /// Asks for the addresses where it is time to.
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
        // Whatever comes of it, it is not asked for in each round.
        (self.names, self.rounds) = (Some(seen), 0);
        let Some(client) = control.0.proxmoxes.get(cluster) else {
            return;
        };
        let status = match client.cluster_status().await {
            Ok(status) => status,
            Err(error) => {
                tracing::debug!(%cluster, cause = error.cause(), "the nodes' addresses are not told");
                return;
            }
        };
        let addresses = status.nodes.iter().filter_map(address).collect();
        let set = move |c: &mut store::Conn| store::nodes::set_addresses(c, cluster, &addresses);
        match control.store().write(set).await {
            Ok(true) => control
                .hub()
                .tell(Event::all(Topic::Site), Audience::Operators),
            // The cluster may have been forgotten a moment ago.
            Ok(false) | Err(store::Error::NotFound) => {}
            Err(error) => tracing::warn!(?error, "the nodes' addresses could not be kept"),
        }
    }
}

/// A node that is found under its address from elsewhere.
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
    fn a_node_that_knows_itself_by_its_loopback_alone_has_no_address() {
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
