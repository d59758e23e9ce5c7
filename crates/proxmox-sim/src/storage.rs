//! What a storage is and what each kind of storage can do. Data and rules; no HTTP here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use crate::config::{StorageKind, StorageSpec};

/// Size of a storage that was defined while the simulator runs, in bytes.
const DEFINED_SIZE: u64 = 252 << 30;

const FILES: &[&str] = &[
    "images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none",
];
const SHARED_FILES: &[&str] = &[
    "images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import",
];
const DISKS: &[&str] = &["images", "rootdir"];
const BACKUPS: &[&str] = &["backup", "none"];

/// Options that a storage of any kind may have.
const COMMON: &[&str] = &["content", "disable", "nodes", "bwlimit"];
/// Options of storages that keep files.
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

/// What is known of a kind of storage.
pub(crate) struct Rules {
    /// Proxmox's word for it.
    pub(crate) word: &'static str,
    /// What it can hold.
    pub(crate) content: &'static [&'static str],
    /// What it holds when nothing is said.
    pub(crate) default: &'static [&'static str],
    /// Options without which there is none. They cannot be changed.
    pub(crate) required: &'static [&'static str],
    /// Other options of this kind alone.
    pub(crate) optional: &'static [&'static str],
    /// Whether it keeps files.
    pub(crate) has_files: bool,
}

const DIRECTORY: &Rules = &Rules {
    word: "dir",
    content: FILES,
    default: &["images"],
    required: &["path"],
    optional: &["is_mountpoint", "shared"],
    has_files: true,
};
const LVM_THIN: &Rules = &Rules {
    word: "lvmthin",
    content: DISKS,
    default: DISKS,
    required: &["thinpool", "vgname"],
    optional: &[],
    has_files: false,
};
const ZFS_POOL: &Rules = &Rules {
    word: "zfspool",
    content: DISKS,
    default: DISKS,
    required: &["pool"],
    optional: &["blocksize", "mountpoint", "sparse"],
    has_files: false,
};
const NFS: &Rules = &Rules {
    word: "nfs",
    content: SHARED_FILES,
    default: &["images"],
    required: &["export", "server"],
    optional: &["options", "path"],
    has_files: true,
};
const CIFS: &Rules = &Rules {
    word: "cifs",
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
    word: "pbs",
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

/// The rules of a kind.
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

/// The kind that a word stands for, of those that are simulated.
pub(crate) fn kind_of(word: &str) -> Option<StorageKind> {
    const ALL: [StorageKind; 6] = [
        StorageKind::Directory,
        StorageKind::LvmThin,
        StorageKind::ZfsPool,
        StorageKind::Nfs,
        StorageKind::Cifs,
        StorageKind::Pbs,
    ];
    ALL.into_iter().find(|kind| rules(*kind).word == word)
}

impl Rules {
    /// Whether a storage of this kind may have an option.
    pub(crate) fn knows(&self, option: &str) -> bool {
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
    /// What it may hold.
    pub(crate) content: Vec<String>,
    /// Its other options as they were given; no secrets among them.
    pub(crate) options: BTreeMap<String, String>,
    /// Size in bytes.
    pub(crate) total: u64,
    /// Bytes taken by things that are not simulated.
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
    /// One that was defined while the simulator runs.
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

    /// What is known of its kind.
    pub(crate) fn rules(&self) -> &'static Rules {
        rules(self.kind)
    }

    /// Whether it may hold such content.
    pub(crate) fn takes(&self, content: &str) -> bool {
        self.content.iter().any(|kind| kind == content)
    }

    /// Whether it is meant to be used at all.
    pub(crate) fn is_enabled(&self) -> bool {
        self.options.get("disable").is_none_or(|flag| flag != "1")
    }

    /// Whether a node has it.
    pub(crate) fn is_on(&self, node: &str) -> bool {
        let nodes = self.options.get("nodes");
        nodes.is_none_or(|nodes| crate::schema::format::split_list(nodes).any(|one| one == node))
    }

    /// Whether all nodes see the same volumes on it.
    pub(crate) fn is_shared(&self) -> bool {
        let by_kind = matches!(
            self.kind,
            StorageKind::Nfs | StorageKind::Cifs | StorageKind::Pbs
        );
        by_kind || self.options.get("shared").is_some_and(|flag| flag == "1")
    }

    /// Whether disks on it can have snapshots, and clones that share with them.
    pub(crate) fn has_snapshots(&self) -> bool {
        matches!(self.kind, StorageKind::LvmThin | StorageKind::ZfsPool)
    }

    /// Where it keeps files of a kind of content.
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

/// The SHA-1 of the definitions of all storages as a file.
pub(crate) fn digest<'a>(storages: impl Iterator<Item = &'a Storage>) -> String {
    let mut hash = Sha1::new();
    for storage in storages {
        hash.update(format!("{}: {}\n", storage.rules().word, storage.name));
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
    fn each_kind_has_its_own_options() {
        assert!(rules(StorageKind::Directory).knows("path"));
        assert!(rules(StorageKind::Directory).knows("prune-backups"));
        assert!(!rules(StorageKind::Directory).knows("vgname"));
        assert!(!rules(StorageKind::LvmThin).knows("prune-backups"));
        assert_eq!(kind_of("pbs"), Some(StorageKind::Pbs));
        assert_eq!(kind_of("rbd"), None);
    }

    #[test]
    fn a_storage_can_be_for_some_nodes_only() {
        let mut storage = Storage::defined("tank", StorageKind::Directory, Vec::new());
        assert!(storage.is_on("pve1"));
        storage.options.insert("nodes".into(), "pve2,pve3".into());
        assert!(storage.is_on("pve3") && !storage.is_on("pve1"));
    }
}
