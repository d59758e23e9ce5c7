//! Clusters and their nodes, as observed.

use serde::{Deserialize, Serialize};

use crate::{ClusterId, Timestamp, clusters::Fingerprint, names::NodeName, sizes::Bytes};

/// A Proxmox VE cluster and how fresh our knowledge of it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterView {
    /// The cluster.
    pub id: ClusterId,
    /// Its name here.
    pub name: String,
    /// Where its API is.
    pub url: String,
    /// Its version, once it answered.
    pub version: Option<String>,
    /// When it last answered.
    pub observed: Option<Timestamp>,
    /// Why it does not answer now, in one sentence.
    pub trouble: Option<String>,
    /// The certificate that it shows now in place of the confirmed one.
    pub changed: Option<Fingerprint>,
    /// Its nodes, as last observed, by name.
    pub nodes: Vec<NodeRow>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeRow {
    /// The node's name in the cluster.
    pub name: NodeName,
    /// Whether the cluster counts it as online.
    pub online: bool,
    /// Share of processor time in use, 0 to 1.
    pub cpu: f64,
    /// Processor cores.
    pub cores: u32,
    /// Memory in use.
    pub memory: Bytes,
    /// Memory in all.
    pub memory_total: Bytes,
    /// Space in use on the node's root.
    pub disk: Bytes,
    /// Space in all on the node's root.
    pub disk_total: Bytes,
    /// Seconds since the node started.
    pub uptime: u64,
    /// Containers on it, ours and others'.
    pub containers: u32,
}
