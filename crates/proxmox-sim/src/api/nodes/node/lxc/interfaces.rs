//! `/nodes/{node}/lxc/{vmid}/interfaces`: the IP addresses of a container.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::call::{ApiResponse, Call};
use crate::clock::now;
use crate::cluster::container::{Container, Power};
use crate::cluster::core::Core;
use crate::cluster::lookup::container;
use crate::cluster::state::ReportedInterfaces;
use crate::cluster::{dhcp, usage};
use crate::error::Result;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/interfaces",
            lxc::address(),
            interfaces,
        )
        .every("/vms/{vmid}", &["VM.Audit"]),
    ]
}

/// `GET …/interfaces`: null if the container is stopped or does not exist.
fn interfaces(call: &Call) -> Result<ApiResponse> {
    let vmid = call.params.vmid();
    let core = &call.core;
    core.read(|state| {
        let Ok(container) = container(state, call.node(), vmid) else {
            return Ok(ApiResponse::null());
        };
        let Power::Running { since, pid } = container.power else {
            return Ok(ApiResponse::null());
        };
        let report = state
            .reported_interfaces
            .get(&vmid)
            .filter(|report| report.pid == pid);
        if let Some(report) = report {
            return Ok(Value::from(reported_interfaces_json(container, report)).into());
        }
        let is_ready =
            |delay: Duration| now() >= Duration::from_millis(since).saturating_add(delay);
        let fixed = is_ready(core.at_speed(core.config.address_delay));
        let leased = core.dhcp_delay(since).is_some_and(is_ready);
        let mut entries = vec![loopback()];
        let networks = container.networks();
        entries.extend(networks.map(|(option, parts)| {
            let uses_dhcp = parts.get("ip").is_some_and(|ip| ip == "dhcp");
            let lease = container.leases.get(option).copied();
            interface(core, &parts, lease, if uses_dhcp { leased } else { fixed })
        }));
        Ok(Value::from(entries).into())
    })
}

fn address(kind: &str, address: &str, prefix: u8) -> Value {
    json!({ "ip-address-type": kind, "ip-address": address, "prefix": prefix })
}

fn loopback() -> Value {
    json!({
        "name": "lo",
        "hwaddr": "00:00:00:00:00:00",
        "hardware-address": "00:00:00:00:00:00",
        "inet": "127.0.0.1/8",
        "inet6": "::1/128",
        "ip-addresses": [address("inet", "127.0.0.1", 8), address("inet6", "::1", 128)],
    })
}

/// The interfaces with the addresses that an external observer reported. Nothing is simulated.
fn reported_interfaces_json(container: &Container, report: &ReportedInterfaces) -> Vec<Value> {
    let interfaces_json = container.networks().map(|(_, parts)| {
        let (mac, mut entry) = interface_head(&parts);
        let addresses = report.addresses.get(&mac).map_or(&[][..], Vec::as_slice);
        for (ip, prefix) in addresses {
            entry
                .entry(kind(*ip))
                .or_insert_with(|| format!("{ip}/{prefix}").into());
        }
        let all = addresses.iter();
        let all = all.map(|(ip, prefix)| address(kind(*ip), &ip.to_string(), *prefix));
        entry.insert("ip-addresses".into(), all.collect());
        Value::Object(entry)
    });
    std::iter::once(loopback()).chain(interfaces_json).collect()
}

fn kind(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "inet" } else { "inet6" }
}

/// The MAC address of an interface, and the first members of its JSON.
fn interface_head(parts: &BTreeMap<String, String>) -> (String, Map<String, Value>) {
    let mac = parts
        .get("hwaddr")
        .map(|mac| mac.to_ascii_lowercase())
        .unwrap_or_default();
    let entry = usage::members(json!({
        "name": parts.get("name"),
        "hwaddr": mac,
        "hardware-address": mac,
    }));
    (mac, entry)
}

fn interface(
    core: &Core,
    parts: &BTreeMap<String, String>,
    lease: Option<Ipv4Addr>,
    is_ready: bool,
) -> Value {
    let (mac, mut entry) = interface_head(parts);
    let mut addresses = Vec::new();
    let inet = match parts.get("ip").map(String::as_str) {
        Some("dhcp") => lease
            .zip(dhcp::bridge(core, parts))
            .map(|(ip, b)| (ip.to_string(), b.prefix)),
        Some("manual") | None => None,
        Some(fixed) => fixed
            .split_once('/')
            .and_then(|(ip, prefix)| Some((ip.to_owned(), prefix.parse().ok()?))),
    };
    if let Some((ip, prefix)) = inet.filter(|_| is_ready) {
        entry.insert("inet".into(), format!("{ip}/{prefix}").into());
        addresses.push(address("inet", &ip, prefix));
    }
    if let Some(ip) = link_local(&mac) {
        entry.insert("inet6".into(), format!("{ip}/64").into());
        addresses.push(address("inet6", &ip, 64));
    }
    entry.insert("ip-addresses".into(), addresses.into());
    entry.into()
}

/// The link-local IPv6 address that is derived from a MAC address (EUI-64).
fn link_local(mac: &str) -> Option<String> {
    let octets: Vec<u16> = mac
        .split(':')
        .map(|octet| u16::from_str_radix(octet, 16).ok())
        .collect::<Option<_>>()?;
    let [a, b, c, d, e, f] = octets.as_slice() else {
        return None;
    };
    let tail = [
        ((a ^ 2) << 8) | b,
        (c << 8) | 0xff,
        0xfe00 | d,
        (e << 8) | f,
    ];
    let [g, h, i, j] = tail;
    Some(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, g, h, i, j).to_string())
}
