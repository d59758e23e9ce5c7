//! The property string of a container's network interface: `name=eth0,bridge=vmbr0,…`. Parses and
//! formats only; does not check whether a bridge or address exists.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, de};

use crate::{
    error::Error,
    ids::ParseError,
    params::{PropertyPart, property_parts, property_string, unsendable},
};

/// A network interface of a container.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Net {
    /// The interface's name inside the container, such as `eth0`.
    pub name: String,
    /// The bridge on the node. Proxmox checks that it exists only when the container starts.
    pub bridge: Option<String>,
    /// The MAC address, `BC:24:11:…`. Proxmox generates one if it is missing.
    pub hwaddr: Option<String>,
    /// The IPv4 configuration.
    pub ip: Option<Ipv4Config>,
    /// The IPv4 gateway.
    pub gw: Option<Ipv4Addr>,
    /// The IPv6 configuration.
    pub ip6: Option<Ipv6Config>,
    /// The IPv6 gateway.
    pub gw6: Option<Ipv6Addr>,
    /// The VLAN tag, 1 to 4094.
    pub tag: Option<u16>,
    /// The MTU, 64 to 65535 bytes.
    pub mtu: Option<u16>,
    /// Whether the node's firewall filters the interface.
    pub firewall: Option<bool>,
    /// Whether the node configures the address instead of the container. Proxmox enables this for
    /// application images by default.
    pub host_managed: Option<bool>,
    /// Other settings, kept so that writing the interface back loses none.
    pub other: Vec<(String, String)>,
}

/// An IPv4 configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv4Config {
    /// DHCP.
    Dhcp,
    /// Configured inside the container.
    Manual,
    /// A static address.
    Static {
        /// The address.
        address: Ipv4Addr,
        /// The prefix length, 8 to 32.
        prefix: u8,
    },
}

/// An IPv6 configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv6Config {
    /// Router advertisements (SLAAC).
    Auto,
    /// DHCPv6.
    Dhcp,
    /// Configured inside the container.
    Manual,
    /// A static address.
    Static {
        /// The address.
        address: Ipv6Addr,
        /// The prefix length, 8 to 128.
        prefix: u8,
    },
}

impl Net {
    /// An interface on a bridge, with default settings.
    pub fn new(name: impl Into<String>, bridge: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            bridge: Some(bridge.into()),
            ..Self::default()
        }
    }

    /// The property string; `field` names the parameter in errors.
    pub(crate) fn property(&self, field: &str) -> Result<String, Error> {
        let flag = |flag: Option<bool>| flag.map(|yes| u8::from(yes).to_string());
        let values = [
            ("name", Some(self.name.clone())),
            ("bridge", self.bridge.clone()),
            ("hwaddr", self.hwaddr.clone()),
            ("ip", self.ip.map(|ip| ip.to_string())),
            ("gw", self.gw.map(|gw| gw.to_string())),
            ("ip6", self.ip6.map(|ip| ip.to_string())),
            ("gw6", self.gw6.map(|gw| gw.to_string())),
            ("tag", self.tag.map(|tag| tag.to_string())),
            ("mtu", self.mtu.map(|mtu| mtu.to_string())),
            ("firewall", flag(self.firewall)),
            ("host-managed", flag(self.host_managed)),
        ];
        if self.hwaddr.as_deref().is_some_and(|mac| !is_mac(mac)) {
            return Err(unsendable(
                field,
                "the MAC address is not a unicast address",
            ));
        }
        let known = values
            .iter()
            .filter_map(|(key, value)| Some((*key, value.as_deref()?)));
        let other = self
            .other
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let parts: Vec<_> = known
            .chain(other)
            .map(|(key, value)| PropertyPart::Pair(key, value))
            .collect();
        property_string(field, &parts)
    }
}

/// Six octets separated by colons, not multicast.
fn is_mac(text: &str) -> bool {
    let octets: Vec<_> = text.split(':').collect();
    let right = |octet: &&str| octet.len() == 2 && octet.bytes().all(|b| b.is_ascii_hexdigit());
    let first = octets
        .first()
        .and_then(|octet| u8::from_str_radix(octet, 16).ok());
    octets.len() == 6 && octets.iter().all(right) && first.is_some_and(|first| first & 1 == 0)
}

impl FromStr for Net {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut net = Self::default();
        for (key, value) in property_parts(text) {
            let key = key.ok_or_else(|| ParseError::new("a key=value setting", value))?;
            match key {
                "name" => value.clone_into(&mut net.name),
                "bridge" => net.bridge = Some(value.to_owned()),
                "hwaddr" => net.hwaddr = Some(value.to_owned()),
                "ip" => net.ip = Some(value.parse()?),
                "gw" => net.gw = Some(number("an IPv4 address", value)?),
                "ip6" => net.ip6 = Some(value.parse()?),
                "gw6" => net.gw6 = Some(number("an IPv6 address", value)?),
                "tag" => net.tag = Some(number("a VLAN ID", value)?),
                "mtu" => net.mtu = Some(number("an MTU", value)?),
                "firewall" => net.firewall = Some(is_on(value)),
                "host-managed" => net.host_managed = Some(is_on(value)),
                _ => net.other.push((key.to_owned(), value.to_owned())),
            }
        }
        if net.name.is_empty() {
            return Err(ParseError::new("an interface with a name", text));
        }
        Ok(net)
    }
}

fn number<T: FromStr>(expected: &'static str, value: &str) -> Result<T, ParseError> {
    value.parse().map_err(|_| ParseError::new(expected, value))
}

fn is_on(value: &str) -> bool {
    matches!(value, "1" | "on" | "yes" | "true")
}

impl<'de> Deserialize<'de> for Net {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl fmt::Display for Ipv4Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dhcp => f.write_str("dhcp"),
            Self::Manual => f.write_str("manual"),
            Self::Static { address, prefix } => write!(f, "{address}/{prefix}"),
        }
    }
}

impl FromStr for Ipv4Config {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "dhcp" => Ok(Self::Dhcp),
            "manual" => Ok(Self::Manual),
            _ => network(text, 32)
                .map(|(address, prefix)| Self::Static { address, prefix })
                .ok_or_else(|| ParseError::new("dhcp, manual or an IPv4 address/prefix", text)),
        }
    }
}

impl fmt::Display for Ipv6Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Dhcp => f.write_str("dhcp"),
            Self::Manual => f.write_str("manual"),
            Self::Static { address, prefix } => write!(f, "{address}/{prefix}"),
        }
    }
}

impl FromStr for Ipv6Config {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "auto" => Ok(Self::Auto),
            "dhcp" => Ok(Self::Dhcp),
            "manual" => Ok(Self::Manual),
            _ => network(text, 128)
                .map(|(address, prefix)| Self::Static { address, prefix })
                .ok_or_else(|| {
                    ParseError::new("auto, dhcp, manual or an IPv6 address/prefix", text)
                }),
        }
    }
}

fn network<T: FromStr>(text: &str, longest: u8) -> Option<(T, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let prefix = prefix.parse().ok().filter(|prefix| *prefix <= longest)?;
    Some((address.parse().ok()?, prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn interface_round_trips_without_loss() {
        let text = "name=eth0,bridge=vmbr0,gw=10.99.0.1,host-managed=1,hwaddr=BC:24:11:3E:E2:EE,ip=10.99.0.41/24,rate=2.5,trunks=1;2,type=veth";
        let net: Net = text.parse().unwrap();
        assert_eq!(net.name, "eth0");
        assert_eq!(net.bridge.as_deref(), Some("vmbr0"));
        let address = Ipv4Addr::new(10, 99, 0, 41);
        assert_eq!(
            net.ip,
            Some(Ipv4Config::Static {
                address,
                prefix: 24
            })
        );
        assert_eq!(net.host_managed, Some(true));
        assert_eq!(net.other.len(), 3);
        assert_eq!(net.property("net0").unwrap().parse::<Net>().unwrap(), net);
    }

    #[test]
    fn interface_has_fixed_property_order() {
        let net = Net {
            hwaddr: Some("BC:24:11:3E:E2:EE".to_owned()),
            ip: Some(Ipv4Config::Dhcp),
            tag: Some(7),
            firewall: Some(false),
            ..Net::new("eth0", "vmbr0")
        };
        let text = net.property("net0").unwrap();
        let expected = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:3E:E2:EE,ip=dhcp,tag=7,firewall=0";
        assert_eq!(text, expected);
    }

    #[test]
    fn interface_injection_is_rejected() {
        for bridge in ["vmbr0,firewall=0", "", "vm\nbr0"] {
            assert!(
                Net::new("eth0", bridge).property("net0").is_err(),
                "{bridge}"
            );
        }
        for mac in [
            "BC:24:11:3E:E2",
            "01:00:00:00:00:00",
            "BC-24-11-3E-E2-EE",
            "BC:24:11:3E:E2:EE,x=1",
        ] {
            let net = Net {
                hwaddr: Some(mac.to_owned()),
                ..Net::new("eth0", "vmbr0")
            };
            assert!(net.property("net0").is_err(), "{mac}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "[ -~]{0,80}") {
            let _ = text.parse::<Net>();
        }
    }
}
