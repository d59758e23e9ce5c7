//! Whether a cluster's firewall filters packets.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use model::{filters::FirewallStatus, names::NodeName};
use proxmox::Client;

/// How many nodes are asked at the same time.
const MAX_CONCURRENT: usize = 8;

/// Reads the options of the cluster and of all nodes that are online.
pub(crate) async fn get_status(client: &Client) -> FirewallStatus {
    match read_status(client).await {
        Ok(status) => status,
        Err(proxmox::Error::Forbidden { .. }) => FirewallStatus::Forbidden,
        Err(_) => FirewallStatus::Unreachable,
    }
}

async fn read_status(client: &Client) -> Result<FirewallStatus, proxmox::Error> {
    let (is_on, nodes) = futures::try_join!(client.is_cluster_firewall_on(), client.nodes())?;
    if !is_on {
        return Ok(FirewallStatus::Off);
    }
    let online = nodes.into_iter().filter(|node| node.online);
    let states: Vec<(String, bool)> = stream::iter(online)
        .map(|node| async move {
            let is_on = client.is_node_firewall_on(&node.node).await?;
            Ok::<_, proxmox::Error>((node.node, is_on))
        })
        .buffer_unordered(MAX_CONCURRENT)
        .try_collect()
        .await?;
    let off = states.into_iter().filter(|(_, is_on)| !is_on);
    let mut off: Vec<NodeName> = off.filter_map(|(node, _)| node.parse().ok()).collect();
    off.sort();
    Ok(match off.is_empty() {
        true => FirewallStatus::On,
        false => FirewallStatus::OffOnNodes { nodes: off },
    })
}
