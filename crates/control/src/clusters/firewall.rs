//! Whether a cluster's firewall filters packets.

use model::filters::FirewallStatus;
use proxmox::Client;

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
    let mut off = Vec::new();
    for node in nodes.iter().filter(|node| node.online) {
        if !client.is_node_firewall_on(&node.node).await? {
            off.extend(node.node.parse().ok());
        }
    }
    Ok(match off.is_empty() {
        true => FirewallStatus::On,
        false => FirewallStatus::OffOnNodes { nodes: off },
    })
}
