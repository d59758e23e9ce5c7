//! Clusters of hypervisor nodes: where they are, how Holdfast signs in there, what it needs of
//! them and what it finds. Must not know how a cluster is asked.

mod access;
mod form;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    names::{BridgeName, Label, NodeName, StorageName},
    nodes::ClusterView,
};

pub use access::{ApiUrl, Fingerprint, Login, Secret};
pub use form::{ClusterForm, ClusterSpec};

/// What a storage is to Holdfast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageFound {
    /// Its name.
    pub name: StorageName,
    /// Whether templates and images can be put there.
    pub templates: bool,
    /// Whether disks of containers can be made there.
    pub volumes: bool,
}

/// What was found on a cluster when it was last asked about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// When it was asked.
    pub at: Timestamp,
    /// Bridges that every node that answers has.
    pub bridges: Vec<BridgeName>,
    /// Storages that every node that answers has.
    pub storages: Vec<StorageFound>,
    /// What Holdfast needs and does not find, one sentence each.
    pub missing: Vec<Missing>,
}

impl Findings {
    /// The storages that templates can be put on.
    pub fn template_storages(&self) -> Vec<StorageName> {
        self.named(|storage| storage.templates)
    }

    /// The storages that disks can be made on.
    pub fn volume_storages(&self) -> Vec<StorageName> {
        self.named(|storage| storage.volumes)
    }

    fn named(&self, takes: impl Fn(&StorageFound) -> bool) -> Vec<StorageName> {
        let found = self.storages.iter().filter(|storage| takes(storage));
        found.map(|storage| storage.name.clone()).collect()
    }
}

/// Something that Holdfast needs of a cluster and does not find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Missing {
    /// A right.
    Privilege {
        /// The privilege, such as `VM.Allocate`.
        privilege: String,
        /// Where it is needed, such as `/vms`.
        path: String,
        /// What cannot be done without it, as the rest of "Without it, Holdfast cannot …".
        purpose: String,
    },
    /// A storage for templates and images.
    TemplateStorage,
    /// A storage for disks.
    VolumeStorage,
    /// A bridge to attach containers to.
    Bridge,
    /// A version that can run images.
    Version {
        /// The version that is there.
        found: String,
    },
    /// A node that does not answer.
    Node {
        /// The node.
        node: NodeName,
    },
    /// A node serves a certificate that the cluster itself does not vouch for.
    Certificate {
        /// The node.
        node: NodeName,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Privilege {
                privilege,
                path,
                purpose,
            } => write!(
                f,
                "The right {privilege} on {path} is missing. Without it, Holdfast cannot {purpose}."
            ),
            Self::TemplateStorage => f.write_str(
                "No storage that all nodes have takes container templates (content vztmpl). Switch it on for a storage of files, such as local.",
            ),
            Self::VolumeStorage => f.write_str(
                "No storage that all nodes have takes container disks (content rootdir). Switch it on for one, such as local-lvm.",
            ),
            Self::Bridge => f.write_str(
                "No bridge that all nodes have may be used. Make one, such as vmbr0, or give the right SDN.Use on it.",
            ),
            Self::Version { found } => write!(
                f,
                "Proxmox VE {found} cannot run images (OCI); 9.1 and later can. Templates work."
            ),
            Self::Node { node } => write!(f, "The node {node} does not answer its cluster."),
            Self::Certificate { node } => write!(
                f,
                "The certificate of {node} is not the one that the cluster knows, so {node} is not asked when others are away."
            ),
        }
    }
}

/// The certificate that a server showed, before anything was told to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Where.
    pub url: ApiUrl,
    /// What was shown; none without TLS.
    pub fingerprint: Option<Fingerprint>,
}

/// A container of the cluster that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign {
    /// Its number.
    pub vmid: u32,
    /// Its name there; none in the first seconds of its life.
    pub name: Option<String>,
    /// The node that it is on.
    pub node: String,
    /// Whether it runs.
    pub running: bool,
}

/// A cluster as its own page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterDetail {
    /// What is observed.
    pub view: ClusterView,
    /// Who Holdfast is there.
    pub login: Login,
    /// The certificate that was confirmed.
    pub fingerprint: Option<Fingerprint>,
    /// Further nodes that are asked when that one is away.
    pub others: Vec<ApiUrl>,
    /// The sites on it.
    pub sites: Vec<Label>,
    /// Its containers that are not ours.
    pub foreign: Vec<Foreign>,
}

/// Which containers of a cluster are to become ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The site that they become part of.
    pub site: String,
    /// Whose they become.
    pub owner: String,
    /// Their numbers.
    pub vmids: Vec<u32>,
}

/// What became of one container that was to be taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Its number.
    pub vmid: u32,
    /// Its name now, or why it was not taken over.
    pub outcome: Result<Label, String>,
}
