//! Storage options and the parameters of creation and update. Options that belong only to storage
//! types that are not simulated (Ceph, iSCSI, Btrfs, ZFS over iSCSI, ESXi) are omitted.

use std::sync::LazyLock;

use super::object::Object;
use super::{Property, boolean, choice, integer, named, number, text};

/// All storage types of Proxmox.
const KINDS: &[&str] = &[
    "btrfs",
    "cephfs",
    "cifs",
    "dir",
    "esxi",
    "iscsi",
    "iscsidirect",
    "lvm",
    "lvmthin",
    "nfs",
    "pbs",
    "rbd",
    "zfs",
    "zfspool",
];
const FINGERPRINT: &str = "([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}";

/// `prune-backups`.
pub(crate) fn prune() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        let counts = [
            "keep-daily",
            "keep-hourly",
            "keep-last",
            "keep-monthly",
            "keep-weekly",
            "keep-yearly",
        ];
        let counts = counts.into_iter().map(|name| integer(name).min(0));
        Object::new(std::iter::once(boolean("keep-all")).chain(counts).collect())
    });
    &OBJECT
}

/// Bandwidth limits in KiB/s.
fn bandwidth() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        let limits = ["clone", "default", "migration", "move", "restore"];
        Object::new(limits.into_iter().map(|name| number(name).min(0)).collect())
    });
    &OBJECT
}

/// A storage ID.
pub(crate) fn id() -> Property {
    text("storage").format(named::STORAGE).required()
}

/// A storage type.
pub(crate) fn kind() -> Property {
    choice("type", KINDS)
}

/// Options that can be set at creation and changed later.
pub(crate) fn changeable() -> Vec<Property> {
    vec![
        id(),
        text("blocksize").format(named::BLOCK_SIZE),
        text("bwlimit").object(bandwidth),
        text("content").list(named::CONTENT),
        text("content-dirs").list(named::DIR_OVERRIDE),
        boolean("create-base-path"),
        boolean("create-subdirs"),
        boolean("disable"),
        text("domain").length(0, 256),
        text("encryption-key"),
        text("fingerprint").pattern(FINGERPRINT),
        choice("format", &["raw", "qcow2", "subvol", "vmdk"]),
        text("is_mountpoint"),
        text("master-pubkey"),
        integer("max-protected-backups").min(-1),
        boolean("mkdir"),
        text("mountpoint").format(named::STORAGE_PATH),
        text("namespace"),
        text("nodes").list(named::NODE),
        text("options").format(named::STORAGE_OPTIONS),
        text("password").length(0, 256),
        text("pool"),
        integer("port").min(1).max(65_535),
        choice("preallocation", &["off", "metadata", "falloc", "full"]),
        text("prune-backups").object(prune),
        text("server").format(named::SERVER),
        boolean("shared"),
        choice("smbversion", &["default", "2.0", "2.1", "3", "3.0", "3.11"]),
        boolean("snapshot-as-volume-chain"),
        boolean("sparse"),
        text("subdir").format(named::STORAGE_PATH),
        text("username"),
    ]
}

/// Options that can only be set at creation.
pub(crate) fn fixed() -> Vec<Property> {
    vec![
        kind().required(),
        text("datastore"),
        text("export").format(named::STORAGE_PATH),
        text("path").format(named::STORAGE_PATH),
        text("share"),
        text("thinpool").format(named::VGNAME),
        text("vgname").format(named::VGNAME),
    ]
}
