//! The current status of a container: run state, resource usage and addresses.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Deserializer};

use crate::{Vmid, cluster::RunState, lenient};

/// The current status of a container.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LxcStatus {
    /// The VMID.
    pub vmid: Vmid,
    /// The hostname.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub name: Option<String>,
    /// The run state.
    #[serde(default = "crate::cluster::unknown")]
    pub status: RunState,
    /// The operation that locks the container.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub lock: Option<String>,
    /// The tags.
    #[serde(default, deserialize_with = "lenient::list")]
    pub tags: Vec<String>,
    /// CPUs.
    #[serde(default, deserialize_with = "lenient::opt_f64")]
    pub cpus: Option<f64>,
    /// CPU usage, 0 to 1.
    #[serde(default, deserialize_with = "lenient::opt_f64")]
    pub cpu: Option<f64>,
    /// Memory in use, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub mem: Option<u64>,
    /// Total memory, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub maxmem: Option<u64>,
    /// Swap space in use, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub swap: Option<u64>,
    /// Total swap space, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub maxswap: Option<u64>,
    /// Root disk in use, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub disk: Option<u64>,
    /// Size of the root disk, in bytes.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub maxdisk: Option<u64>,
    /// Bytes received since the start.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub netin: Option<u64>,
    /// Bytes sent since the start.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub netout: Option<u64>,
    /// The uptime in seconds.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub uptime: Option<u64>,
}

/// A network interface inside a running container.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Interface {
    /// The interface's name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// The MAC address.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub hwaddr: Option<String>,
    /// The addresses. Link-local addresses are included and usually appear first.
    #[serde(rename = "ip-addresses", default, deserialize_with = "addresses")]
    pub addresses: Vec<InterfaceAddress>,
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address.
    pub ip: IpAddr,
    /// The prefix length.
    pub prefix: Option<u8>,
}

impl InterfaceAddress {
    /// Whether other hosts can reach the address: neither loopback nor link-local.
    pub fn is_reachable(&self) -> bool {
        match self.ip {
            IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified(),
            IpAddr::V6(ip) => {
                !ip.is_loopback() && !ip.is_unicast_link_local() && !ip.is_unspecified()
            }
        }
    }
}

impl Interface {
    /// The first IPv4 address that other hosts can reach.
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        self.addresses
            .iter()
            .filter(|address| address.is_reachable())
            .find_map(|a| match a.ip {
                IpAddr::V4(ip) => Some(ip),
                IpAddr::V6(_) => None,
            })
    }
}

#[derive(Deserialize)]
struct AddressRow {
    #[serde(rename = "ip-address", default, deserialize_with = "lenient::opt_text")]
    ip: Option<String>,
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    prefix: Option<u64>,
}

/// Skips entries that are not valid addresses.
fn addresses<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<InterfaceAddress>, D::Error> {
    let rows = Option::<Vec<AddressRow>>::deserialize(d)?.unwrap_or_default();
    Ok(rows.into_iter().filter_map(address).collect())
}

fn address(row: AddressRow) -> Option<InterfaceAddress> {
    let ip = row.ip?.parse().ok()?;
    Some(InterfaceAddress {
        ip,
        prefix: row.prefix.and_then(|prefix| u8::try_from(prefix).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_parses_loose_types() {
        let json = r#"{"pressurememorysome":"0.00","ha":{"managed":0},"name":"c301","disk":31231684608,"maxswap":536870912,"status":"running","cpus":"1.5","netout":0,"vmid":301,"maxmem":"536870912","type":"lxc","pid":4863,"cpu":0,"uptime":0}"#;
        let status: LxcStatus = serde_json::from_str(json).unwrap();
        assert_eq!((status.vmid.get(), status.status), (301, RunState::Running));
        assert_eq!((status.cpus, status.maxmem), (Some(1.5), Some(536_870_912)));
    }

    #[test]
    fn link_local_addresses_are_not_reachable() {
        let json = r#"[
            {"hwaddr":"00:00:00:00:00:00","name":"lo","inet":"127.0.0.1/8","ip-addresses":[{"ip-address":"127.0.0.1","ip-address-type":"inet","prefix":8},{"ip-address":"::1","ip-address-type":"inet6","prefix":"128"}]},
            {"hwaddr":"bc:24:11:7b:eb:ca","name":"eth0","ip-addresses":[{"ip-address":"fe80::1","ip-address-type":"inet6","prefix":64}]},
            {"name":"eth1","ip-addresses":[{"ip-address":"fe80::2","prefix":64},{"ip-address":"10.0.0.7","prefix":"24"},{"ip-address":"?"}]},
            {"name":"eth2","ip-addresses":null}
        ]"#;
        let interfaces: Vec<Interface> = serde_json::from_str(json).unwrap();
        let addresses: Vec<_> = interfaces.iter().map(Interface::ipv4).collect();
        assert_eq!(
            addresses,
            [None, None, Some(Ipv4Addr::new(10, 0, 0, 7)), None]
        );
        assert_eq!(interfaces[2].addresses[1].prefix, Some(24));
        assert!(
            interfaces[1]
                .addresses
                .iter()
                .all(|address| !address.is_reachable())
        );
    }
}
