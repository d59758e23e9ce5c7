//! Clusters and their nodes, as observed.

use serde::{Deserialize, Serialize};

use crate::{ClusterId, Timestamp, fingerprint::Fingerprint, names::NodeName, sizes::Bytes};

/// A Proxmox VE cluster and the age of its observed state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterView {
    /// The cluster.
    pub id: ClusterId,
    /// The cluster's name in Holdfast.
    pub name: String,
    /// The API URL.
    pub url: String,
    /// The Proxmox VE version; `None` until the first observation.
    pub version: Option<String>,
    /// When the cluster was last observed.
    pub observed: Option<Timestamp>,
    /// Why the cluster is unreachable, in one sentence.
    pub last_error: Option<String>,
    /// The certificate that the cluster presents now, if it differs from the pinned one.
    pub changed: Option<Fingerprint>,
    /// The nodes as last observed, ordered by name.
    pub nodes: Vec<NodeRow>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeRow {
    /// The node's name in the cluster.
    pub name: NodeName,
    /// Whether the cluster reports the node as online.
    pub online: bool,
    /// CPU usage, 0 to 1.
    pub cpu: f64,
    /// CPU cores.
    pub cores: u32,
    /// Memory in use.
    pub memory: Bytes,
    /// Total memory.
    pub memory_total: Bytes,
    /// Disk space in use on the root file system.
    pub disk: Bytes,
    /// Total disk space of the root file system.
    pub disk_total: Bytes,
    /// Seconds since the node started.
    pub uptime: u64,
    /// The number of containers, managed or not.
    pub containers: u32,
}
