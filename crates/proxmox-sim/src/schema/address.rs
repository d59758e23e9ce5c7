//! Named network formats: addresses, masks, interfaces.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::format::{Check, check, is_identifier};

/// A dotted-quad IPv4 address.
pub(crate) fn ipv4(value: &str) -> Check {
    check(
        value.parse::<Ipv4Addr>().is_ok(),
        "value does not look like a valid IPv4 address",
    )
}

/// An IPv6 address without a zone ID.
pub(crate) fn ipv6(value: &str) -> Check {
    check(
        value.parse::<Ipv6Addr>().is_ok(),
        "value does not look like a valid IPv6 address",
    )
}

fn is_cidr<A: std::str::FromStr>(value: &str, prefixes: std::ops::RangeInclusive<u8>) -> bool {
    value.split_once('/').is_some_and(|(address, prefix)| {
        let canonical = prefix.bytes().all(|byte| byte.is_ascii_digit());
        address.parse::<A>().is_ok()
            && canonical
            && prefix
                .parse::<u8>()
                .is_ok_and(|length| prefixes.contains(&length))
    })
}

/// `dhcp`, `manual` or an IPv4 address with prefix length.
pub(crate) fn ipv4_config(value: &str) -> Check {
    let valid = matches!(value, "dhcp" | "manual") || is_cidr::<Ipv4Addr>(value, 8..=32);
    check(
        valid,
        "value does not look like a valid ipv4 network configuration",
    )
}

/// `auto`, `dhcp`, `manual` or an IPv6 address with prefix length.
pub(crate) fn ipv6_config(value: &str) -> Check {
    let valid = matches!(value, "auto" | "dhcp" | "manual") || is_cidr::<Ipv6Addr>(value, 8..=128);
    check(
        valid,
        "value does not look like a valid ipv6 network configuration",
    )
}

/// An IPv4 address with prefix length.
pub(crate) fn cidr4(value: &str) -> Check {
    check(
        is_cidr::<Ipv4Addr>(value, 8..=32),
        "value does not look like a valid IPv4 CIDR network",
    )
}

/// An IPv6 address with prefix length.
pub(crate) fn cidr6(value: &str) -> Check {
    check(
        is_cidr::<Ipv6Addr>(value, 8..=128),
        "value does not look like a valid IPv6 CIDR network",
    )
}

/// A netmask in dotted-quad form or as a prefix length.
pub(crate) fn ipv4_mask(value: &str) -> Check {
    let by_length = value.parse::<u8>().is_ok_and(|length| length <= 32);
    let by_mask = value
        .parse::<Ipv4Addr>()
        .is_ok_and(|mask| mask.to_bits().leading_ones() + mask.to_bits().trailing_zeros() >= 32);
    check(
        by_length || by_mask,
        "value does not look like a valid IPv4 netmask",
    )
}

/// The name of a node's network interface, optionally with a VLAN.
pub(crate) fn iface(value: &str) -> Check {
    let name = match value.split_once([':', '.']) {
        Some((name, number)) if number.parse::<u32>().is_ok() => name,
        _ => value,
    };
    let valid = is_identifier(name, "_") && name.len() <= 21;
    if valid {
        Ok(())
    } else {
        Err(format!("invalid network interface name '{value}'"))
    }
}

/// A VLAN ID or a range of VLAN IDs.
pub(crate) fn vlan_id_or_range(value: &str) -> Check {
    let vlan = |text: &str| {
        text.parse::<u16>()
            .ok()
            .filter(|id| (2..=4094).contains(id))
    };
    let valid = match value.split_once('-') {
        Some((first, last)) => {
            vlan(first).is_some_and(|first| vlan(last).is_some_and(|last| first < last))
        }
        None => vlan(value).is_some(),
    };
    check(valid, "invalid VLAN configuration")
}

/// An IP address. A link-local address may have a zone ID.
pub(crate) fn nameserver(value: &str) -> Check {
    let link_local = value.to_ascii_lowercase().starts_with("fe80:");
    let address = match value.split_once('%') {
        Some((address, zone)) if link_local && !zone.is_empty() => address,
        _ => value,
    };
    let valid = address.parse::<std::net::IpAddr>().is_ok();
    check(valid, "value does not look like a valid IP address")
}

/// A unicast MAC address.
pub(crate) fn mac(value: &str) -> Check {
    let octets: Option<Vec<u8>> = value
        .split(':')
        .map(|octet| {
            (octet.len() == 2)
                .then(|| u8::from_str_radix(octet, 16).ok())
                .flatten()
        })
        .collect();
    let valid = octets.is_some_and(|octets| {
        octets.len() == 6 && octets.first().is_some_and(|first| first & 1 == 0)
    });
    check(
        valid,
        "value does not look like a valid unicast MAC address",
    )
}
