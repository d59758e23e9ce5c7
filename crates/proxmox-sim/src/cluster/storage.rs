//! Storages and the capabilities of each storage type. Data and rules; no HTTP here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use crate::config::{StorageKind, StorageSpec};

/// Size in bytes of a storage that is defined through the API.
const DEFINED_SIZE: u64 = 252 << 30;

const FILES: &[&str] = &[
    "images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none",
];
const SHARED_FILES: &[&str] = &[
    "images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import",
];
const DISKS: &[&str] = &["images", "rootdir"];
const BACKUPS: &[&str] = &["backup", "none"];

/// Options of all storage types.
const COMMON: &[&str] = &["content", "disable", "nodes", "bwlimit"];
/// Options of file-based storage types.
const OF_FILES: &[&str] = &[
    "content-dirs",
    "create-base-path",
    "create-subdirs",
    "format",
    "max-protected-backups",
    "mkdir",
    "preallocation",
    "prune-backups",
    "snapshot-as-volume-chain",
];

/// The capabilities of a storage type.
pub(crate) struct Rules {
    /// The name in Proxmox.
    pub(crate) name: &'static str,
    /// Supported content types.
    pub(crate) content: &'static [&'static str],
    /// Default content types.
    pub(crate) default: &'static [&'static str],
    /// Mandatory options. They cannot be changed later.
    pub(crate) required: &'static [&'static str],
    /// Additional options.
    pub(crate) optional: &'static [&'static str],
    /// Whether the storage is file-based.
    pub(crate) has_files: bool,
}

const DIRECTORY: &Rules = &Rules {
    name: "dir",
    content: FILES,
    default: &["images"],
    required: &["path"],
    optional: &["is_mountpoint", "shared"],
    has_files: true,
};
const LVM_THIN: &Rules = &Rules {
    name: "lvmthin",
    content: DISKS,
    default: DISKS,
    required: &["thinpool", "vgname"],
    optional: &[],
    has_files: false,
};
const ZFS_POOL: &Rules = &Rules {
    name: "zfspool",
    content: DISKS,
    default: DISKS,
    required: &["pool"],
    optional: &["blocksize", "mountpoint", "sparse"],
    has_files: false,
};
const NFS: &Rules = &Rules {
    name: "nfs",
    content: SHARED_FILES,
    default: &["images"],
    required: &["export", "server"],
    optional: &["options", "path"],
    has_files: true,
};
const CIFS: &Rules = &Rules {
    name: "cifs",
    content: SHARED_FILES,
    default: &["images"],
    required: &["server", "share"],
    optional: &[
        "domain",
        "options",
        "password",
        "path",
        "smbversion",
        "subdir",
        "username",
    ],
    has_files: true,
};
const PBS: &Rules = &Rules {
    name: "pbs",
    content: BACKUPS,
    default: &["backup"],
    required: &["datastore", "server"],
    optional: &[
        "encryption-key",
        "fingerprint",
        "master-pubkey",
        "max-protected-backups",
        "namespace",
        "password",
        "port",
        "prune-backups",
        "username",
    ],
    has_files: false,
};

/// The rules of a storage type.
pub(crate) fn rules(kind: StorageKind) -> &'static Rules {
    match kind {
        StorageKind::Directory => DIRECTORY,
        StorageKind::LvmThin => LVM_THIN,
        StorageKind::ZfsPool => ZFS_POOL,
        StorageKind::Nfs => NFS,
        StorageKind::Cifs => CIFS,
        StorageKind::Pbs => PBS,
    }
}

/// The simulated storage type with a name in Proxmox.
pub(crate) fn kind_from_name(name: &str) -> Option<StorageKind> {
    const ALL: [StorageKind; 6] = [
        StorageKind::Directory,
        StorageKind::LvmThin,
        StorageKind::ZfsPool,
        StorageKind::Nfs,
        StorageKind::Cifs,
        StorageKind::Pbs,
    ];
    ALL.into_iter().find(|kind| rules(*kind).name == name)
}

impl Rules {
    /// Whether the storage type supports an option.
    pub(crate) fn supports_option(&self, option: &str) -> bool {
        let of_files = self.has_files && OF_FILES.contains(&option);
        of_files
            || [COMMON, self.required, self.optional]
                .iter()
                .any(|names| names.contains(&option))
    }
}

/// A storage of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Storage {
    pub(crate) name: String,
    pub(crate) kind: StorageKind,
    /// Allowed content types.
    pub(crate) content: Vec<String>,
    /// The other options as sent, without secrets.
    pub(crate) options: BTreeMap<String, String>,
    /// Size in bytes.
    pub(crate) total: u64,
    /// Bytes used by content that is not simulated.
    pub(crate) base_used: u64,
}

impl From<&StorageSpec> for Storage {
    fn from(spec: &StorageSpec) -> Self {
        let options: &[(&str, &str)] = match spec.kind {
            StorageKind::Directory if spec.name == "local" => {
                &[("path", "/var/lib/vz"), ("prune-backups", "keep-all=1")]
            }
            StorageKind::LvmThin => &[("thinpool", "data"), ("vgname", "pve")],
            _ => &[],
        };
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            name: spec.name.clone(),
            kind: spec.kind,
            content: spec.content.iter().map(|kind| (*kind).to_owned()).collect(),
            options: options.iter().map(own).collect(),
            total: spec.total,
            base_used: spec.base_used,
        }
    }
}

impl Storage {
    /// Creates a storage that was defined through the API.
    pub(crate) fn defined(name: &str, kind: StorageKind, content: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            content,
            options: BTreeMap::new(),
            total: DEFINED_SIZE,
            base_used: 0,
        }
    }

    /// The rules of its type.
    pub(crate) fn rules(&self) -> &'static Rules {
        rules(self.kind)
    }

    /// Whether a content type is allowed.
    pub(crate) fn supports(&self, content: &str) -> bool {
        self.content.iter().any(|kind| kind == content)
    }

    /// Whether the storage is enabled.
    pub(crate) fn is_enabled(&self) -> bool {
        self.options.get("disable").is_none_or(|flag| flag != "1")
    }

    /// Whether the storage is available on a node.
    pub(crate) fn is_on(&self, node: &str) -> bool {
        let nodes = self.options.get("nodes");
        nodes.is_none_or(|nodes| crate::schema::format::split_list(nodes).any(|one| one == node))
    }

    /// Whether all nodes see the same volumes.
    pub(crate) fn is_shared(&self) -> bool {
        let by_kind = matches!(
            self.kind,
            StorageKind::Nfs | StorageKind::Cifs | StorageKind::Pbs
        );
        by_kind || self.options.get("shared").is_some_and(|flag| flag == "1")
    }

    /// Whether disks support snapshots and linked clones.
    pub(crate) fn has_snapshots(&self) -> bool {
        matches!(self.kind, StorageKind::LvmThin | StorageKind::ZfsPool)
    }

    /// The directory of a content type.
    pub(crate) fn folder(&self, content: &str) -> String {
        let base = match self.options.get("path") {
            Some(path) => path.clone(),
            None => format!("/mnt/pve/{}", self.name),
        };
        let inside = match content {
            "vztmpl" => "template/cache",
            "iso" => "template/iso",
            "backup" => "dump",
            "rootdir" => "images",
            other => other,
        };
        format!("{base}/{inside}")
    }
}

/// The SHA-1 digest of all storage definitions.
pub(crate) fn digest<'a>(storages: impl Iterator<Item = &'a Storage>) -> String {
    let mut hash = Sha1::new();
    for storage in storages {
        hash.update(format!("{}: {}\n", storage.rules().name, storage.name));
        hash.update(format!("content {}\n", storage.content.join(",")));
        for (name, value) in &storage.options {
            hash.update(format!("{name} {value}\n"));
        }
    }
    let bytes = hash.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_storage_type_has_its_own_options() {
        assert!(rules(StorageKind::Directory).supports_option("path"));
        assert!(rules(StorageKind::Directory).supports_option("prune-backups"));
        assert!(!rules(StorageKind::Directory).supports_option("vgname"));
        assert!(!rules(StorageKind::LvmThin).supports_option("prune-backups"));
        assert_eq!(kind_from_name("pbs"), Some(StorageKind::Pbs));
        assert_eq!(kind_from_name("rbd"), None);
    }

    #[test]
    fn storage_can_be_restricted_to_nodes() {
        let mut storage = Storage::defined("tank", StorageKind::Directory, Vec::new());
        assert!(storage.is_on("pve1"));
        storage.options.insert("nodes".into(), "pve2,pve3".into());
        assert!(storage.is_on("pve3") && !storage.is_on("pve1"));
    }
}
