//! One observation of a cluster, kept in memory and shared with the other servers of the
//! database. These may run an older or newer version: missing fields have defaults and unknown
//! fields are ignored. No I/O.

use std::collections::BTreeMap;

use model::{fingerprint::Fingerprint, nodes::NodeRow, sizes::Bytes};
use proxmox::{GuestKind, Resources, RunState};
use serde::{Deserialize, Serialize};

/// The cluster's inventory, or why it could not be fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Observation {
    /// The cluster responded.
    Success(Inventory),
    /// The request failed.
    Failure {
        /// The reason, in one sentence.
        sentence: String,
        /// The certificate that the cluster presents now instead of the pinned one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        changed: Option<Fingerprint>,
    },
}

/// The guests and nodes of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Inventory {
    /// The Proxmox VE version, once known.
    #[serde(default)]
    pub(super) version: Option<String>,
    /// Containers and virtual machines.
    #[serde(default)]
    pub(super) guests: Vec<Guest>,
    #[serde(default)]
    pub(super) nodes: Vec<NodeRow>,
}

/// A container or a virtual machine. The serialized names are short because there may be thousands
/// in a row of `cluster_observations`, which is written every few seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Guest {
    #[serde(rename = "id")]
    pub(super) vmid: u32,
    #[serde(rename = "n")]
    pub(super) node: String,
    /// `None` until Proxmox has collected the status of a new guest.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Whether the guest is a container, not a virtual machine or a template.
    #[serde(rename = "ct", default)]
    pub(super) is_container: bool,
    /// `None` while the cluster does not know.
    #[serde(rename = "up", default, skip_serializing_if = "Option::is_none")]
    pub(super) running: Option<bool>,
    /// The share of its CPUs in use, 0 to 1.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) cpu: Option<f64>,
    /// Used memory in bytes.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(super) mem: Option<u64>,
    /// Used root disk in bytes.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(super) disk: Option<u64>,
    /// The uptime in seconds.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) uptime: Option<u64>,
}

impl Observation {
    /// The observation for a failed request.
    pub(super) fn from_error(error: &proxmox::Error) -> Self {
        let changed = match error {
            proxmox::Error::CertificateChanged { found, .. } => found.to_string().parse().ok(),
            _ => None,
        };
        Self::Failure {
            sentence: error.to_string(),
            changed,
        }
    }
}

impl Inventory {
    pub(super) fn new(version: Option<String>, resources: Resources) -> Self {
        let guests: Vec<Guest> = resources.guests.into_iter().map(Guest::from).collect();
        let counts = count_by_node(&guests);
        let nodes = resources.nodes.iter();
        let nodes = nodes.filter_map(|node| row(node, &counts)).collect();
        Self {
            version,
            nodes,
            guests,
        }
    }
}

impl From<proxmox::Guest> for Guest {
    fn from(guest: proxmox::Guest) -> Self {
        Self {
            vmid: guest.vmid.get(),
            node: guest.node,
            name: guest.name,
            is_container: guest.kind == GuestKind::Lxc && !guest.template,
            running: match guest.status {
                RunState::Running => Some(true),
                RunState::Stopped => Some(false),
                RunState::Unknown => None,
            },
            cpu: guest.cpu,
            mem: guest.mem,
            disk: guest.disk,
            uptime: guest.uptime,
        }
    }
}

fn count_by_node(guests: &[Guest]) -> BTreeMap<&str, u32> {
    let mut counts = BTreeMap::new();
    for guest in guests.iter().filter(|guest| guest.is_container) {
        *counts.entry(guest.node.as_str()).or_default() += 1;
    }
    counts
}

fn row(node: &proxmox::Node, counts: &BTreeMap<&str, u32>) -> Option<NodeRow> {
    Some(NodeRow {
        name: node.node.parse().ok()?,
        online: node.online,
        cpu: node.cpu.unwrap_or(0.0),
        cores: node.maxcpu.unwrap_or(0),
        memory: Bytes(node.mem.unwrap_or(0)),
        memory_total: Bytes(node.maxmem.unwrap_or(0)),
        disk: Bytes(node.disk.unwrap_or(0)),
        disk_total: Bytes(node.maxdisk.unwrap_or(0)),
        uptime: node.uptime.unwrap_or(0),
        containers: counts.get(node.node.as_str()).copied().unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn observation_of_another_version_is_parsed() {
        let old = r#"{"success":{"guests":[{"id":100,"n":"pve1","new":1}],"more":[]}}"#;
        let Observation::Success(inventory) = serde_json::from_str(old).unwrap() else {
            panic!("expected an inventory");
        };
        assert_eq!(inventory.guests.len(), 1);
        assert_eq!(inventory.guests.first().unwrap().running, None);
    }

    #[test]
    fn observation_survives_serialization() {
        let guest = Guest {
            vmid: 101,
            node: "pve1".into(),
            name: Some("web".into()),
            is_container: true,
            running: Some(true),
            cpu: Some(0.25),
            mem: Some(1 << 30),
            disk: None,
            uptime: Some(7),
        };
        let inventory = Inventory {
            version: Some("9.2.11".into()),
            guests: vec![guest],
            nodes: Vec::new(),
        };
        let failure = Observation::Failure {
            sentence: "It is away.".into(),
            changed: Some("ab".repeat(32).parse().unwrap()),
        };
        for observation in [Observation::Success(inventory), failure] {
            let text = serde_json::to_string(&observation).unwrap();
            assert_eq!(
                serde_json::from_str::<Observation>(&text).unwrap(),
                observation
            );
        }
    }
}
