//! Network values: ports, MAC addresses, IPv4 networks and ranges. Must not track which of them are
//! in use.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
    str::FromStr,
};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::{
    error::Invalid,
    sizes::{number_value, whole_number},
    text::by_text,
};

/// Parses an IPv4 address: four numbers from 0 to 255 without leading zeros. White space around it
/// is ignored.
///
/// # Errors
/// The text is not an IPv4 address.
pub fn parse_ipv4(text: &str) -> Result<Ipv4Addr, Invalid> {
    // The standard parser rejects leading zeros, which some programs read as octal.
    text.trim_ascii()
        .parse()
        .map_err(|_| Invalid::new("Enter an IPv4 address such as 10.20.0.1."))
}

/// Parses a unicast IPv6 address of another host. White space around it is ignored.
///
/// # Errors
/// The text is not such an address: loopback, unspecified, multicast and IPv4-mapped addresses are
/// rejected.
pub fn parse_ipv6(text: &str) -> Result<Ipv6Addr, Invalid> {
    let invalid = || Invalid::new("Enter an IPv6 address such as 2001:db8::7.");
    let address: Ipv6Addr = text.trim_ascii().parse().map_err(|_| invalid())?;
    let is_own = address.is_loopback() || address.is_unspecified() || address.is_multicast();
    if is_own || address.to_ipv4_mapped().is_some() {
        return Err(invalid());
    }
    Ok(address)
}

/// A TCP or UDP port, 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Port(u16);
number_value!(Port, u16, 1..=u16::MAX, "Enter a port from 1 to 65535.");

impl FromStr for Port {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        whole_number::<u16>(text.trim_ascii())
            .ok_or_else(Self::invalid)?
            .try_into()
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An inclusive range of ports, written `2000-2999`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortRange {
    first: Port,
    last: Port,
}
by_text!(PortRange);

impl PortRange {
    /// Creates the range from `first` to `last`.
    ///
    /// # Errors
    /// `last` is lower than `first`.
    pub fn new(first: Port, last: Port) -> Result<Self, Invalid> {
        if first <= last {
            Ok(Self { first, last })
        } else {
            Err(Invalid::new(
                "Enter the lower port first, such as 2000-2999.",
            ))
        }
    }

    /// The lowest port.
    pub fn first(&self) -> Port {
        self.first
    }

    /// The highest port.
    pub fn last(&self) -> Port {
        self.last
    }

    /// Whether the range contains `port`.
    pub fn contains(&self, port: Port) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// Every port in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Port> + use<> {
        // Both ends are valid ports, so no number between them is zero.
        (self.first.0..=self.last.0).map(Port)
    }
}

impl FromStr for PortRange {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("Enter a port range such as 2000-2999.");
        let (first, last) = text.split_once('-').ok_or_else(invalid)?;
        let port = |text: &str| text.parse::<Port>().map_err(|_| invalid());
        Self::new(port(first)?, port(last)?)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// The MAC address of one interface (unicast), written `BC:24:11:00:00:01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress([u8; 6]);
by_text!(MacAddress);

impl MacAddress {
    /// Creates the address from its octets.
    ///
    /// # Errors
    /// It is a multicast address (the lowest bit of the first octet is set), or all zero.
    pub fn from_octets(octets: [u8; 6]) -> Result<Self, Invalid> {
        let [first, ..] = octets;
        if first & 1 == 1 || octets == [0; 6] {
            return Err(Invalid::new(
                "Enter a unicast MAC address: the second digit is even, and not all digits are zero.",
            ));
        }
        Ok(Self(octets))
    }

    /// The six octets.
    pub fn octets(&self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for MacAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("Enter a MAC address such as BC:24:11:00:00:01.");
        let mut parts = text.trim_ascii().split(':');
        let mut octets = [0; 6];
        for octet in &mut octets {
            let part = parts.next().ok_or_else(invalid)?;
            if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(invalid());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| invalid())?;
        }
        if parts.next().is_some() {
            Err(invalid())
        } else {
            Self::from_octets(octets)
        }
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

/// An IPv4 network with a prefix length of 8 to 30, written `10.20.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr(Ipv4Net);
by_text!(Cidr);

impl Cidr {
    /// The network address.
    pub fn network(&self) -> Ipv4Addr {
        self.0.network()
    }

    /// The broadcast address.
    pub fn broadcast(&self) -> Ipv4Addr {
        self.0.broadcast()
    }

    /// The netmask, such as `255.255.0.0`.
    pub fn netmask(&self) -> Ipv4Addr {
        self.0.netmask()
    }

    /// The prefix length, 8 to 30.
    pub fn prefix(&self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether the network contains the address, including network and broadcast address.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.0.contains(&address)
    }
}

impl FromStr for Cidr {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || {
            Invalid::new(
                "Enter a network in CIDR notation with a prefix length from 8 to 30, such as 10.20.0.0/16.",
            )
        };
        let (address, prefix) = text.trim_ascii().split_once('/').ok_or_else(invalid)?;
        let address: Ipv4Addr = address.parse().map_err(|_| invalid())?;
        let prefix = whole_number(prefix)
            .filter(|p| (8..=30).contains(p))
            .ok_or_else(invalid)?;
        let parsed = Ipv4Net::new(address, prefix).map_err(|_| invalid())?;
        if parsed.trunc() != parsed {
            return Err(Invalid::new(format!(
                "Enter {}, the network of this address.",
                parsed.trunc()
            )));
        }
        Ok(Self(parsed))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An inclusive range of IPv4 addresses, written `10.20.0.10-10.20.0.200`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange {
    first: Ipv4Addr,
    last: Ipv4Addr,
}
by_text!(AddressRange);

impl AddressRange {
    /// Creates the range from `first` to `last`.
    ///
    /// # Errors
    /// `last` is lower than `first`.
    pub fn new(first: Ipv4Addr, last: Ipv4Addr) -> Result<Self, Invalid> {
        if first <= last {
            Ok(Self { first, last })
        } else {
            Err(Invalid::new(
                "Enter the lower address first, such as 10.20.0.10-10.20.0.200.",
            ))
        }
    }

    /// The lowest address.
    pub fn first(&self) -> Ipv4Addr {
        self.first
    }

    /// The highest address.
    pub fn last(&self) -> Ipv4Addr {
        self.last
    }

    fn bits(&self) -> RangeInclusive<u32> {
        self.first.to_bits()..=self.last.to_bits()
    }

    /// Whether the range contains `address`.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.bits().contains(&address.to_bits())
    }

    /// Every address in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Ipv4Addr> + use<> {
        self.bits().map(Ipv4Addr::from_bits)
    }

    /// The number of addresses; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub fn len(&self) -> u64 {
        u64::from(self.last.to_bits()) - u64::from(self.first.to_bits()) + 1
    }

    /// Whether all addresses are host addresses of `network`: the range excludes its network and
    /// broadcast address.
    pub fn is_within(&self, network: &Cidr) -> bool {
        network.network() < self.first && self.last < network.broadcast()
    }
}

impl FromStr for AddressRange {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("Enter an address range such as 10.20.0.10-10.20.0.200.");
        let (first, last) = text.split_once('-').ok_or_else(invalid)?;
        let address = |text: &str| parse_ipv4(text).map_err(|_| invalid());
        Self::new(address(first)?, address(last)?)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// Upstream DNS servers of a site: up to 8 addresses, separated by commas. Without any, only the
/// site's own names resolve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Forwarders(Vec<Ipv4Addr>);
by_text!(Forwarders);

impl Forwarders {
    /// The addresses, in order of preference.
    pub fn addresses(&self) -> &[Ipv4Addr] {
        &self.0
    }
}

impl FromStr for Forwarders {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parts = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
        let mut addresses = Vec::new();
        for part in parts.filter(|part| !part.is_empty()) {
            let address = parse_ipv4(part)?;
            if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
                return Err(Invalid::new(format!(
                    "{address} cannot be a name server. Enter a unicast address."
                )));
            }
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.len() > 8 {
            return Err(Invalid::new("Use at most 8 addresses."));
        }
        Ok(Self(addresses))
    }
}

impl fmt::Display for Forwarders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&addresses.join(", "))
    }
}
