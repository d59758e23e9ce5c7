//! Ports, MAC addresses, networks and ranges.

use std::{net::Ipv4Addr, sync::LazyLock};

use model::net::{AddressRange, Cidr, MacAddress, Port, PortRange, parse_ipv4};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use regex::Regex;

use crate::{assert_parse, assert_table, error_message, grammar, round_trip, texts};

static OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
static IPV4: LazyLock<Regex> = LazyLock::new(|| grammar(&format!(r"{OCTET}(\.{OCTET}){{3}}")));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| grammar("[1-9][0-9]{0,4}"));
static MAC: LazyLock<Regex> =
    LazyLock::new(|| grammar("(?i-u)[0-9a-f][02468ace](:[0-9a-f]{2}){5}"));

proptest! {
    #[test]
    fn port_has_digits_only(text in texts("[1-7]?[0-9]{1,4}", "[0-9+ .-]{1,6}")) {
        let trimmed = text.trim_ascii();
        let fits = trimmed.parse().is_ok_and(|n: u32| (1..=65_535).contains(&n));
        let parsed = text.parse::<Port>();
        prop_assert_eq!(parsed.is_ok(), NUMBER.is_match(trimmed) && fits);
        if let Ok(port) = parsed {
            round_trip(&port)?;
            prop_assert_eq!(port.get().to_string(), trimmed);
        }
    }

    #[test]
    fn mac_is_six_unicast_octets(text in texts("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", "[0-9a-gA-F:+-]{1,18}")) {
        let trimmed = text.trim_ascii();
        let zero = trimmed == "00:00:00:00:00:00";
        assert_parse::<MacAddress>(&text, MAC.is_match(trimmed) && !zero)?;
        if let Ok(mac) = text.parse::<MacAddress>() {
            prop_assert_eq!(mac.to_string(), trimmed.to_ascii_uppercase());
            prop_assert_eq!(MacAddress::from_octets(mac.octets()), Ok(mac));
        }
    }

    #[test]
    fn ipv4_rejects_leading_zeros(text in texts(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", "[0-9a-f.:]{1,16}")) {
        prop_assert_eq!(parse_ipv4(&text).is_ok(), IPV4.is_match(text.trim_ascii()));
    }

    #[test]
    fn network_has_no_host_bits(bits in any::<u32>(), prefix in 0_u32..=33) {
        let text = format!("{}/{prefix}", Ipv4Addr::from_bits(bits));
        let Some(mask) = (8..=30).contains(&prefix).then(|| u32::MAX << (32 - prefix)) else {
            return assert_parse::<Cidr>(&text, false);
        };
        assert_parse::<Cidr>(&text, bits & !mask == 0)?;
        let right = format!("{}/{prefix}", Ipv4Addr::from_bits(bits & mask));
        assert_parse::<Cidr>(&right, true)?;
        if bits & !mask != 0 {
            prop_assert!(error_message::<Cidr>(&text).contains(&right));
        }
        if let Ok(network) = right.parse::<Cidr>() {
            prop_assert_eq!(network.netmask().to_bits(), mask);
            prop_assert_eq!(network.network().to_bits(), bits & mask);
            prop_assert_eq!(network.broadcast().to_bits(), bits | !mask);
            prop_assert!(network.contains(Ipv4Addr::from_bits(bits)));
            prop_assert!(!network.contains(Ipv4Addr::from_bits(bits ^ (1 << 31))));
        }
    }

    #[test]
    fn any_text_parses_as_network_or_is_rejected(text in texts(r"10\.[0-9]{1,2}\.0\.0/[0-9]{1,2}", "[0-9./]{1,18}")) {
        if let Ok(network) = text.parse::<Cidr>() {
            prop_assert_eq!(network.to_string(), text.trim_ascii());
            round_trip(&network)?;
        }
    }

    #[test]
    fn port_range_contains_its_ports(first in any::<u16>(), last in any::<u16>(), other in 1..=u16::MAX) {
        let text = format!("{first}-{last}");
        assert_parse::<PortRange>(&text, first >= 1 && first <= last)?;
        if let (Ok(range), Ok(other)) = (text.parse::<PortRange>(), Port::try_from(other)) {
            prop_assert_eq!(range.contains(other), range.iter().any(|port| port == other));
            prop_assert_eq!(range.iter().next(), Some(range.first()));
            prop_assert_eq!(range.iter().next_back(), Some(range.last()));
        }
    }

    #[test]
    fn address_range_contains_its_addresses(first in any::<u32>(), length in 0_u32..3000, other in any::<u32>()) {
        let last = first.saturating_add(length);
        let text = format!("{} - {}", Ipv4Addr::from_bits(first), Ipv4Addr::from_bits(last));
        assert_parse::<AddressRange>(&text, true)?;
        if let Ok(range) = text.parse::<AddressRange>() {
            let all: Vec<Ipv4Addr> = range.iter().collect();
            prop_assert_eq!(all.len() as u64, range.len());
            prop_assert!(all.iter().all(|address| range.contains(*address)));
            prop_assert!(all.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(range.contains(Ipv4Addr::from_bits(other)), (first..=last).contains(&other));
        }
    }

    #[test]
    fn range_parsers_never_panic(text in texts("[0-9.]{1,16}-[0-9.]{1,16}", "[0-9.-]{1,16}")) {
        for outcome in [text.parse::<AddressRange>().map(|r| r.len()), text.parse::<PortRange>().map(|_| 1)] {
            prop_assert!(outcome.is_err() || outcome.is_ok_and(|n| n > 0));
        }
    }
}

#[test]
fn port_and_port_range_reject_values_out_of_bounds() {
    let port = |text: &str| text.parse::<Port>().map(Port::get);
    assert_eq!((port("1"), port(" 65535 ")), (Ok(1), Ok(65_535)));
    for bad in [
        "",
        "0",
        "65536",
        "080",
        "+80",
        "-1",
        "8 0",
        "http",
        "99999999999999999999",
    ] {
        assert!(port(bad).is_err(), "{bad:?} was accepted");
    }
    assert!(serde_json::from_str::<Port>("0").is_err());
    assert!(serde_json::from_str::<Port>("65536").is_err());
    assert_eq!(
        serde_json::from_str::<Port>("80").map(Port::get).ok(),
        Some(80)
    );
    assert_table::<PortRange>(
        &[("2000-2999", "2000-2999"), (" 80 - 80 ", "80-80")],
        &["", "80", "0-9", "9-8", "1-65536", "1-2-3", "-1-2"],
    );
}

#[test]
fn mac_address_is_uppercased_and_rejects_multicast() {
    assert_table::<MacAddress>(
        &[("bc:24:11:00:00:0a", "BC:24:11:00:00:0A")],
        &[
            "",
            "00:00:00:00:00:00",
            "BD:24:11:00:00:01",
            "ff:ff:ff:ff:ff:ff",
            "bc-24-11-00-00-01",
            "bc:24:11:00:00",
            "bc:24:11:00:00:01:02",
            "bc:24:11:00:00:+1",
            "bc:24:11:0:0:1",
            "bc2411000001",
        ],
    );
}

#[test]
fn ipv4_address_rejects_other_notations() {
    assert_eq!(parse_ipv4(" 10.20.0.1\n"), Ok(Ipv4Addr::new(10, 20, 0, 1)));
    for bad in [
        "",
        "0100.1.1.1",
        "1.1.1",
        "1.1.1.256",
        "1.1.1.1/24",
        "::1",
        "1.1.1.01",
        "0x1.1.1.1",
    ] {
        assert!(parse_ipv4(bad).is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn network_rejects_host_bits_and_unsupported_prefixes() {
    assert_table::<Cidr>(
        &[
            ("10.0.0.0/8", "10.0.0.0/8"),
            (" 10.0.0.4/30 ", "10.0.0.4/30"),
        ],
        &[
            "",
            "10.0.0.0",
            "10.0.0.1/24",
            "10.0.0.0/7",
            "10.0.0.0/31",
            "10.0.0.0/024",
            "10.0.0.0/+24",
            "0100.0.0.0/8",
            "10.0.0.0/",
            "::/8",
        ],
    );
    assert_eq!(
        error_message::<Cidr>("10.0.0.1/24"),
        "Enter 10.0.0.0/24, the network of this address."
    );
}

#[test]
fn address_range_excludes_network_and_broadcast_address() {
    let network: Cidr = "10.0.0.0/24".parse().unwrap();
    for (range, within) in [
        ("10.0.0.1-10.0.0.254", true),
        ("10.0.0.0-10.0.0.9", false),
        ("10.0.0.9-10.0.0.255", false),
        ("9.255.255.255-10.0.0.9", false),
        ("10.0.0.9-10.0.1.9", false),
        ("10.0.1.1-10.0.1.9", false),
    ] {
        assert_eq!(
            range.parse::<AddressRange>().unwrap().is_within(&network),
            within,
            "{range}"
        );
    }
    let all: AddressRange = "0.0.0.0-255.255.255.255".parse().unwrap();
    assert_eq!(all.len(), 1 << 32);
    assert_eq!(all.iter().next_back(), Some(Ipv4Addr::BROADCAST));
    assert_table::<AddressRange>(
        &[],
        &[
            "",
            "10.0.0.1",
            "10.0.0.2-10.0.0.1",
            "10.0.0.1-",
            "10.0.0.01-10.0.0.2",
        ],
    );
}
