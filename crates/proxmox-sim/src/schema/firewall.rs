//! Firewall parameters and their formats.

use std::net::IpAddr;

use super::format::{Check, check, is_identifier, split_list};
use super::object::Object;
use super::{Format, Property, boolean, choice, integer, named, text};
use std::sync::LazyLock;

const LOG_LEVELS: &[&str] = &[
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog",
];
const POLICIES: &[&str] = &["ACCEPT", "REJECT", "DROP"];
const NAME: &str = r"[A-Za-z][A-Za-z0-9\-\_]+";

const ADDRESSES: Format = Format::new("pve-fw-addr-spec", addresses);
const DESTINATION_PORT: Format = Format::new("pve-fw-dport-spec", ports);
const ENTRY: Format = Format::new("IPorCIDRorAlias", entry);
const ICMP_TYPE: Format = Format::new("pve-fw-icmp-type-spec", icmp_type);
const PROTOCOL: Format = Format::new("pve-fw-protocol-spec", protocol);
const SOURCE_PORT: Format = Format::new("pve-fw-sport-spec", ports);

/// An address, optionally with a prefix length.
fn is_network(value: &str) -> bool {
    let (address, prefix) = value.split_once('/').unwrap_or((value, "0"));
    address.parse::<IpAddr>().is_ok_and(|address| {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        prefix.parse::<u8>().is_ok_and(|prefix| prefix <= longest)
    })
}

fn entry(value: &str) -> Check {
    let is_alias = is_identifier(value, "-_");
    check(
        is_network(value) || is_alias,
        "value does not look like a valid IP address, CIDR network or alias",
    )
}

fn addresses(value: &str) -> Check {
    let is_one = |part: &str| {
        let is_range = part.split_once('-').is_some_and(|(first, last)| {
            first.parse::<IpAddr>().is_ok() && last.parse::<IpAddr>().is_ok()
        });
        is_network(part) || is_range || is_identifier(part.trim_start_matches('+'), "-_/")
    };
    check(
        split_list(value).all(is_one),
        "invalid address specification",
    )
}

fn ports(value: &str) -> Check {
    let is_port = |text: &str| text.parse::<u16>().is_ok() || is_identifier(text, "-_");
    let is_range = |part: &str| match part.split_once(':') {
        Some((first, last)) => is_port(first) && is_port(last),
        None => is_port(part),
    };
    check(split_list(value).all(is_range), "invalid port")
}

fn icmp_type(value: &str) -> Check {
    let is_number = value.parse::<u8>().is_ok();
    check(
        is_number || is_identifier(value, "-"),
        &format!("unknown icmp-type '{value}'"),
    )
}

fn protocol(value: &str) -> Check {
    let is_number = value.parse::<u8>().is_ok();
    check(
        is_number || is_identifier(value, "-"),
        &format!("unknown protocol '{value}'"),
    )
}

fn digest() -> Property {
    text("digest").length(0, 64)
}

fn delete() -> Property {
    text("delete").list(named::CONFIG_ID)
}

fn log_ratelimit() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        Object::with_default(
            "enable",
            vec![
                integer("burst").min(0),
                boolean("enable").required(),
                text("rate").pattern(r"[1-9][0-9]*\/(second|minute|hour|day)"),
            ],
        )
    });
    &OBJECT
}

/// The options of the cluster's firewall.
pub(crate) fn cluster_options() -> Vec<Property> {
    vec![
        delete(),
        digest(),
        boolean("ebtables"),
        integer("enable").min(0),
        text("log_ratelimit").object(log_ratelimit),
        choice("policy_forward", &["ACCEPT", "DROP"]),
        choice("policy_in", POLICIES),
        choice("policy_out", POLICIES),
    ]
}

/// The options of a guest's firewall.
pub(crate) fn guest_options() -> Vec<Property> {
    vec![
        delete(),
        boolean("dhcp"),
        digest(),
        boolean("enable"),
        boolean("ipfilter"),
        choice("log_level_in", LOG_LEVELS),
        choice("log_level_out", LOG_LEVELS),
        boolean("macfilter"),
        boolean("ndp"),
        choice("policy_in", POLICIES),
        choice("policy_out", POLICIES),
        boolean("radv"),
    ]
}

/// A new rule.
pub(crate) fn rule() -> Vec<Property> {
    vec![
        text("action").pattern(NAME).length(2, 20).required(),
        text("comment"),
        text("dest").format(ADDRESSES).length(0, 512),
        digest(),
        text("dport").format(DESTINATION_PORT),
        integer("enable").min(0),
        text("icmp-type").format(ICMP_TYPE),
        text("iface").format(named::IFACE).length(2, 20),
        choice("log", LOG_LEVELS),
        text("macro").length(0, 128),
        integer("pos").min(0),
        text("proto").format(PROTOCOL),
        text("source").format(ADDRESSES).length(0, 512),
        text("sport").format(SOURCE_PORT),
        choice("type", &["in", "out", "forward", "group"]).required(),
    ]
}

/// The position of a rule, and the digest.
pub(crate) fn rule_position() -> Vec<Property> {
    vec![digest(), integer("pos").min(0)]
}

/// The name of an IP set.
pub(crate) fn ip_set_name(name: &'static str) -> Property {
    text(name).pattern(NAME).length(2, 64)
}

/// A new IP set.
pub(crate) fn ip_set() -> Vec<Property> {
    vec![
        text("comment"),
        digest(),
        ip_set_name("name").required(),
        ip_set_name("rename"),
    ]
}

/// A new entry of an IP set.
pub(crate) fn ip_set_entry() -> Vec<Property> {
    vec![
        text("cidr").format(ENTRY).required(),
        text("comment"),
        ip_set_name("name").required(),
        boolean("nomatch"),
    ]
}

/// The address of an entry of an IP set, and the digest.
pub(crate) fn ip_set_address() -> Vec<Property> {
    vec![
        text("cidr").format(ENTRY).required(),
        digest(),
        ip_set_name("name").required(),
    ]
}
