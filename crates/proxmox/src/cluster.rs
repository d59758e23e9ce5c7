//! The cluster: version, nodes, inventory of guests and storages, and unused VMIDs.
//!
//! `/nodes` and `/cluster/resources` are about ten seconds old: a new container has the state
//! [`RunState::Unknown`] and no name there until the next update.

mod resources;

use serde::{Deserialize, Deserializer};

use resources::resources;
pub(crate) use resources::unknown;
pub use resources::{Guest, GuestKind, Resources, RunState, StorageUse};

use crate::{Client, Fingerprint, Vmid, error::Error, http::Call, lenient, response::ResponseData};

/// The version of Proxmox VE.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// The version of the manager, such as `9.2.11`.
    #[serde(deserialize_with = "lenient::text")]
    pub version: String,
    /// The release, such as `9.2`.
    #[serde(deserialize_with = "lenient::text")]
    pub release: String,
}

/// A node and its resource usage.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Node {
    /// The node's name.
    #[serde(deserialize_with = "lenient::text")]
    pub node: String,
    /// Whether the node is online.
    #[serde(rename = "status", default, deserialize_with = "is_online")]
    pub online: bool,
    /// CPU usage, 0 to 1.
    #[serde(default, deserialize_with = "lenient::opt_f64")]
    pub cpu: Option<f64>,
    /// CPU threads.
    #[serde(default, deserialize_with = "lenient::opt_u32")]
    pub maxcpu: Option<u32>,
    /// Memory in use, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub mem: Option<u64>,
    /// Total memory, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub maxmem: Option<u64>,
    /// Root disk in use, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub disk: Option<u64>,
    /// Size of the root disk, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub maxdisk: Option<u64>,
    /// The uptime in seconds.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub uptime: Option<u64>,
    /// The certificate that the cluster knows for the node. Only [`Client::nodes`] returns it, and
    /// the node may serve another certificate.
    #[serde(default, deserialize_with = "fingerprint")]
    pub ssl_fingerprint: Option<Fingerprint>,
}

fn fingerprint<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Fingerprint>, D::Error> {
    Ok(lenient::opt_text(d)?.and_then(|text| text.parse().ok()))
}

fn is_online<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(lenient::opt_text(deserializer)?.as_deref() == Some("online"))
}

/// The membership status of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// The cluster's name; `None` for a single node.
    pub name: Option<String>,
    /// Whether the cluster has quorum, which changes require. Always true for a single node.
    pub quorate: bool,
    /// The nodes.
    pub nodes: Vec<ClusterNode>,
}

/// A node as a cluster member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterNode {
    /// The node's name.
    pub name: String,
    /// The node's address in the cluster network.
    pub ip: Option<String>,
    /// Whether the node is online.
    pub online: bool,
    /// Whether this is the node that responded.
    pub local: bool,
}

#[derive(Deserialize)]
struct StatusRow {
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    kind: String,
    #[serde(deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::opt_text")]
    ip: Option<String>,
    #[serde(default, deserialize_with = "lenient::flag")]
    online: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    local: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    quorate: bool,
}

impl Client {
    /// The version of Proxmox VE. The cheapest call that verifies the credentials.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn version(&self) -> Result<Version, Error> {
        self.call(Call::get(&["version"])).await
    }

    /// The nodes that the user may see.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn nodes(&self) -> Result<Vec<Node>, Error> {
        self.call(Call::get(&["nodes"])).await
    }

    /// The cluster's members and quorum.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege Sys.Audit on `/`.
    pub async fn cluster_status(&self) -> Result<ClusterStatus, Error> {
        let rows: Vec<StatusRow> = self.call(Call::get(&["cluster", "status"])).await?;
        Ok(cluster_status(rows))
    }

    /// The inventory of everything that the user may see.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn resources(&self) -> Result<Resources, Error> {
        let ResponseData { data, .. } =
            self.call_page(Call::get(&["cluster", "resources"])).await?;
        resources(data).map_err(|error| Error::Protocol {
            address: self.address().to_owned(),
            cause: error.to_string(),
        })
    }

    /// An unused VMID. It is not reserved: another client may use it first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn next_id(&self) -> Result<Vmid, Error> {
        self.call(Call::get(&["cluster", "nextid"])).await
    }
}

fn cluster_status(rows: Vec<StatusRow>) -> ClusterStatus {
    let mut status = ClusterStatus {
        name: None,
        quorate: true,
        nodes: Vec::new(),
    };
    for row in rows {
        match row.kind.as_str() {
            "cluster" => {
                status.name = Some(row.name);
                status.quorate = row.quorate;
            }
            "node" => status.nodes.push(ClusterNode {
                name: row.name,
                ip: row.ip,
                online: row.online,
                local: row.local,
            }),
            _ => {}
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_node_has_no_cluster_name_and_is_quorate() {
        let alone = r#"[{"online":1,"local":1,"name":"pve1","ip":"10.99.0.1","level":"","nodeid":0,"id":"node/pve1","type":"node"}]"#;
        let status = cluster_status(serde_json::from_str(alone).unwrap());
        assert_eq!(status.name, None);
        assert!(status.quorate && status.nodes[0].local);
        let two = r#"[{"type":"cluster","name":"lab","quorate":0,"nodes":2,"version":3,"id":"cluster"},{"type":"node","name":"pve2","online":0,"ip":null}]"#;
        let status = cluster_status(serde_json::from_str(two).unwrap());
        assert_eq!(status.name.as_deref(), Some("lab"));
        assert!(!status.quorate && !status.nodes[0].online);
    }
}
