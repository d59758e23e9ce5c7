//! Options of a node's network interface.

use super::{Property, boolean, choice, integer, named, text};

/// The interface types.
const KINDS: &[&str] = &[
    "bridge",
    "bond",
    "eth",
    "alias",
    "vlan",
    "fabric",
    "OVSBridge",
    "OVSBond",
    "OVSPort",
    "OVSIntPort",
    "vnet",
    "unknown",
];
/// The values of the `type` filter of a list.
const LISTED: &[&str] = &[
    "bridge",
    "bond",
    "eth",
    "alias",
    "vlan",
    "fabric",
    "OVSBridge",
    "OVSBond",
    "OVSPort",
    "OVSIntPort",
    "vnet",
    "any_bridge",
    "any_local_bridge",
    "include_sdn",
];
const BOND_MODES: &[&str] = &[
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
    "balance-slb",
    "lacp-balance-slb",
    "lacp-balance-tcp",
];
const HASHES: &[&str] = &["layer2", "layer2+3", "layer3+4"];

/// The name of an interface.
pub(crate) fn iface() -> Property {
    text("iface").format(named::IFACE).length(2, 20).required()
}

/// The `type` filter of a list.
pub(crate) fn type_filter() -> Property {
    choice("type", LISTED)
}

/// The options of an interface.
pub(crate) fn options() -> Vec<Property> {
    vec![
        iface(),
        choice("type", KINDS).required(),
        text("address").format(named::IPV4).requires("netmask"),
        text("address6").format(named::IPV6).requires("netmask6"),
        boolean("autostart"),
        text("bond-primary").format(named::IFACE),
        choice("bond_mode", BOND_MODES),
        choice("bond_xmit_hash_policy", HASHES),
        text("bridge_ports").list(named::IFACE),
        text("bridge_vids").list(named::VLAN_RANGE),
        boolean("bridge_vlan_aware"),
        text("cidr").format(named::CIDR4),
        text("cidr6").format(named::CIDR6),
        text("comments"),
        text("comments6"),
        text("gateway").format(named::IPV4),
        text("gateway6").format(named::IPV6),
        integer("mtu").min(1280).max(65_520),
        text("netmask").format(named::IPV4_MASK).requires("address"),
        integer("netmask6").min(0).max(128).requires("address6"),
        text("ovs_bonds").list(named::IFACE),
        text("ovs_bridge").format(named::IFACE),
        text("ovs_options").length(0, 1024),
        text("ovs_ports").list(named::IFACE),
        integer("ovs_tag").min(1).max(4094),
        text("slaves").list(named::IFACE),
        integer("vlan-id").min(1).max(4094),
        text("vlan-raw-device").format(named::IFACE),
    ]
}
