//! Container options and the parameters of creation and update.

use std::sync::LazyLock;

use super::object::Object;
use super::{Property, Schema, boolean, choice, integer, named, number, text};

/// The values of the `lock` option.
pub(crate) const LOCKS: &[&str] = &[
    "backup",
    "create",
    "destroyed",
    "disk",
    "fstrim",
    "migrate",
    "mounted",
    "rollback",
    "snapshot",
    "snapshot-delete",
];
const OSTYPES: &[&str] = &[
    "debian",
    "devuan",
    "ubuntu",
    "centos",
    "fedora",
    "opensuse",
    "archlinux",
    "alpine",
    "gentoo",
    "nixos",
    "unmanaged",
];
const ARCHES: &[&str] = &["amd64", "i386", "arm64", "armhf", "riscv32", "riscv64"];
const MOUNT_OPTIONS: &str = "(?:(discard|lazytime|noatime|nodev|noexec|nosuid))\
    (;(?:(discard|lazytime|noatime|nodev|noexec|nosuid)))*";
const IDMAP: &str =
    "passthrough|[ug]:[0-9]+:[0-9]+:[1-9][0-9]*(?:;[ug]:[0-9]+:[0-9]+:[1-9][0-9]*)*";
const NAME: &str = r"[-_.\w\d]+";
const PRINTABLE: &str = r"[^\x00-\x08\x0a-\x1F\x7F]";

/// `netN`.
pub(crate) fn network() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        Object::new(vec![
            text("bridge").pattern(NAME),
            boolean("firewall"),
            text("gw").format(named::IPV4),
            text("gw6").format(named::IPV6),
            boolean("host-managed"),
            text("hwaddr").format(named::MAC),
            text("ip").format(named::IPV4_CONFIG),
            text("ip6").format(named::IPV6_CONFIG),
            boolean("link_down"),
            integer("mtu").min(64).max(65_535),
            text("name").pattern(NAME).required(),
            number("rate"),
            integer("tag").min(1).max(4094),
            text("trunks").pattern(r"\d+(?:;\d+)*"),
            choice("type", &["veth"]),
        ])
    });
    &OBJECT
}

fn volume_parts() -> Vec<Property> {
    vec![
        boolean("acl"),
        text("idmap").pattern(IDMAP),
        text("mountoptions").pattern(MOUNT_OPTIONS),
        boolean("quota"),
        boolean("replicate"),
        boolean("ro"),
        boolean("shared"),
        text("size").format(named::DISK_SIZE),
        text("volume").format(named::MOUNT_PATH).required(),
    ]
}

/// `rootfs`.
pub(crate) fn rootfs() -> &'static Object {
    static OBJECT: LazyLock<Object> =
        LazyLock::new(|| Object::with_default("volume", volume_parts()));
    &OBJECT
}

/// `mpN`.
pub(crate) fn mount_point() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        let mut parts = volume_parts();
        parts.push(boolean("backup"));
        parts.push(boolean("keepattrs"));
        parts.push(text("mp").format(named::MOUNT_PATH).required());
        Object::with_default("volume", parts)
    });
    &OBJECT
}

/// `features`.
pub(crate) fn features() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        Object::new(vec![
            boolean("force_rw_sys"),
            boolean("fuse"),
            boolean("keyctl"),
            boolean("mknod"),
            text("mount").pattern("[a-zA-Z0-9_; ]+"),
            boolean("nesting"),
        ])
    });
    &OBJECT
}

fn device() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        Object::with_default(
            "path",
            vec![
                boolean("deny-write"),
                integer("gid").min(0),
                text("mode").pattern("0[0-7]{3}"),
                text("path").format(named::DEVICE),
                integer("uid").min(0),
            ],
        )
    });
    &OBJECT
}

fn unused() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        let volume = text("volume").format(named::VOLUME_ID).required();
        Object::with_default("volume", vec![volume])
    });
    &OBJECT
}

/// The options of a stored configuration.
fn options() -> Vec<Property> {
    vec![
        choice("arch", ARCHES),
        choice("cmode", &["shell", "console", "tty"]),
        boolean("console"),
        integer("cores").min(1).max(8192),
        number("cpulimit").min(0).max(8192),
        integer("cpuunits").min(0).max(500_000),
        boolean("debug"),
        text("description").length(0, 8192),
        text("dev").up_to(255).object(device),
        text("entrypoint").pattern(&format!("{PRINTABLE}+")),
        text("env").pattern(&format!(r"(?:\w+={PRINTABLE}*)(?:\x00\w+={PRINTABLE}*)*")),
        text("features").object(features),
        text("hookscript").format(named::VOLUME_ID),
        text("hostname").format(named::DNS_NAME).length(0, 255),
        choice("lock", LOCKS),
        integer("memory").min(16),
        text("mp").up_to(255).object(mount_point),
        text("nameserver").list(named::NAMESERVER),
        text("net").up_to(31).object(network),
        boolean("onboot"),
        choice("ostype", OSTYPES),
        boolean("protection"),
        text("rootfs").object(rootfs),
        text("searchdomain").list(named::DNS_NAME),
        text("startup").format(named::STARTUP),
        integer("swap").min(0),
        text("tags").list(named::TAG),
        boolean("template"),
        text("timezone").format(named::TIMEZONE),
        integer("tty").min(0).max(6),
        boolean("unprivileged"),
        text("unused").up_to(255).object(unused),
    ]
}

/// The schema of a stored configuration.
pub(crate) fn config() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::new(options()));
    &SCHEMA
}

/// The node and VMID in the path.
pub(crate) fn address() -> Vec<Property> {
    vec![node(), vmid("vmid").required()]
}

/// The node in the path.
pub(crate) fn node() -> Property {
    text("node").format(named::NODE).required()
}

/// A VMID.
pub(crate) fn vmid(name: &'static str) -> Property {
    integer(name).format(named::VMID).min(100).max(999_999_999)
}

/// The parameters of creation.
pub(crate) fn create() -> Vec<Property> {
    let mut properties = options();
    properties.extend(address());
    properties.extend([
        number("bwlimit").min(0),
        boolean("force"),
        boolean("ha-managed"),
        boolean("ignore-unpack-errors"),
        text("ostemplate").length(0, 255).required(),
        text("password").length(5, usize::MAX),
        text("pool").format(named::POOL),
        boolean("restore"),
        text("ssh-public-keys"),
        boolean("start"),
        text("storage").format(named::STORAGE),
        boolean("unique").requires("restore"),
    ]);
    properties
}

/// The parameters of an update.
pub(crate) fn update() -> Vec<Property> {
    let mut properties = options();
    properties.extend(address());
    properties.extend([
        text("delete").list(named::CONFIG_ID),
        text("digest").length(0, 40),
        text("revert").list(named::CONFIG_ID),
    ]);
    properties
}
