//! Proxmox VE clusters: API endpoint, credentials, requirements and capabilities. Contains no API
//! calls.

mod access;
mod form;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    fingerprint::Fingerprint,
    names::{BridgeName, Label, NodeName, StorageName, Username},
    nodes::ClusterView,
};

pub use access::{ApiUrl, ClusterAccount, Secret};
pub use form::{ClusterForm, ClusterSpec};

/// A storage and the content types that it accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageCapabilities {
    /// The storage's name.
    pub name: StorageName,
    /// Whether it accepts templates and images (`vztmpl`).
    pub templates: bool,
    /// Whether it accepts container disks (`rootdir`).
    pub volumes: bool,
}

/// The result of the last check of a cluster's capabilities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterCapabilities {
    /// The time of the check.
    pub at: Timestamp,
    /// Bridges that every online node has.
    pub bridges: Vec<BridgeName>,
    /// Storages that every online node has.
    pub storages: Vec<StorageCapabilities>,
    /// Requirements of Holdfast that the cluster does not meet.
    pub missing: Vec<UnmetRequirement>,
}

impl ClusterCapabilities {
    /// The storages that accept templates.
    pub fn template_storages(&self) -> Vec<StorageName> {
        self.named(|storage| storage.templates)
    }

    /// The storages that accept container disks.
    pub fn volume_storages(&self) -> Vec<StorageName> {
        self.named(|storage| storage.volumes)
    }

    fn named(&self, accepts: impl Fn(&StorageCapabilities) -> bool) -> Vec<StorageName> {
        let accepting = self.storages.iter().filter(|storage| accepts(storage));
        accepting.map(|storage| storage.name.clone()).collect()
    }
}

/// A requirement of Holdfast that a cluster does not meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum UnmetRequirement {
    /// A privilege that the account lacks.
    Privilege {
        /// The privilege, such as `VM.Allocate`.
        privilege: String,
        /// The path in the permission tree, such as `/vms`.
        path: String,
        /// What requires the privilege, as the end of the sentence "Without it, Holdfast cannot …".
        purpose: String,
    },
    /// A storage for templates and images.
    TemplateStorage,
    /// A storage for disks.
    VolumeStorage,
    /// A bridge to attach containers to.
    Bridge,
    /// A version that supports OCI images.
    Version {
        /// The cluster's version.
        found: String,
    },
    /// The cluster's firewall is on.
    Firewall,
    /// The firewall of a node is on.
    NodeFirewall {
        /// The node.
        node: NodeName,
    },
    /// A node is offline.
    Node {
        /// The node.
        node: NodeName,
    },
    /// A node serves a certificate that the cluster does not list for it.
    Certificate {
        /// The node.
        node: NodeName,
    },
    /// A node has no name in a site, because a container holds it.
    NodeName {
        /// The node.
        node: NodeName,
        /// The site.
        site: Label,
        /// The full name.
        name: String,
        /// The container.
        container: Label,
        /// The owner of the container.
        owner: Username,
    },
}

impl fmt::Display for UnmetRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Privilege {
                privilege,
                path,
                purpose,
            } => write!(
                f,
                "The privilege {privilege} on {path} is missing. Without it, Holdfast cannot {purpose}."
            ),
            Self::TemplateStorage => f.write_str(
                "No storage on all nodes accepts container templates. Enable the content vztmpl on a file-based storage, such as local.",
            ),
            Self::VolumeStorage => f.write_str(
                "No storage on all nodes accepts container disks. Enable the content rootdir on a storage, such as local-lvm.",
            ),
            Self::Bridge => f.write_str(
                "No usable bridge exists on all nodes. Create a bridge such as vmbr0, or grant SDN.Use on a bridge.",
            ),
            Self::Version { found } => write!(
                f,
                "Proxmox VE {found} does not support OCI images, only templates. Upgrade to 9.1 or later."
            ),
            Self::Firewall => f.write_str(
                "The cluster's firewall is off, so containers can use the addresses of other containers. Turn it on in Proxmox under Datacenter, Firewall, Options. Proxmox then also drops connections to the nodes' own ports, except for management from their local network.",
            ),
            Self::NodeFirewall { node } => write!(
                f,
                "The firewall of {node} is off, so containers there can use the addresses of other containers. Turn it on in Proxmox under {node}, Firewall, Options."
            ),
            Self::Node { node } => write!(f, "The node {node} is offline."),
            Self::Certificate { node } => write!(
                f,
                "The certificate of {node} differs from the one in the cluster, so {node} is not used as a fallback node."
            ),
            Self::NodeName {
                node,
                site,
                name,
                container,
                owner,
            } => write!(
                f,
                "The node {node} has no name in the site {site}: the container {container} of {owner} has the name {name}."
            ),
        }
    }
}

/// The certificate that a server presented before any credentials were sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresentedCertificate {
    /// The URL of the server.
    pub url: ApiUrl,
    /// The certificate's fingerprint; `None` without TLS.
    pub fingerprint: Option<Fingerprint>,
}

/// A container of the cluster, as last observed; Holdfast may or may not manage it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedContainer {
    /// The VMID.
    pub vmid: u32,
    /// The container's name in Proxmox; `None` in the first seconds after its creation.
    pub name: Option<String>,
    /// The container's node.
    pub node: String,
    /// Whether the container was running at the last observation.
    pub running: bool,
}

/// A cluster, for its page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterDetail {
    /// The observed state.
    pub view: ClusterView,
    /// The account that Holdfast uses.
    pub account: ClusterAccount,
    /// The pinned certificate.
    pub fingerprint: Option<Fingerprint>,
    /// Further nodes to use when the first is unreachable.
    pub fallback_urls: Vec<ApiUrl>,
    /// The sites on the cluster.
    pub sites: Vec<Label>,
    /// Containers that Holdfast does not manage.
    pub unmanaged: Vec<ObservedContainer>,
}

/// A request to import containers of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The site to import them into.
    pub site: String,
    /// The future owner.
    pub owner: String,
    /// The VMIDs of unmanaged containers of the cluster.
    pub vmids: Vec<u32>,
}

/// The result of importing one container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportResult {
    /// The VMID.
    pub vmid: u32,
    /// The container's name, or why the import failed.
    pub outcome: Result<Label, String>,
}
