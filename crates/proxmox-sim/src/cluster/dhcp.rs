//! Bridges, and the leases of their DHCP servers.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::cluster::container::Container;
use crate::cluster::core::Core;
use crate::cluster::state::State;
use crate::config::Bridge;

/// The bridge of an interface, or `None` if it does not exist.
pub(crate) fn bridge<'a>(core: &'a Core, parts: &BTreeMap<String, String>) -> Option<&'a Bridge> {
    let name = parts.get("bridge")?;
    core.config
        .scenario
        .bridges
        .iter()
        .find(|bridge| bridge.name == *name)
}

/// Leases an address of the bridge's network to each interface that uses DHCP.
pub(crate) fn lease_addresses(core: &Core, state: &mut State, vmid: u32) {
    let is_leased = |state: &State, ip| state.containers.values().any(|c| has_lease(c, ip));
    let Some(container) = state.containers.get(&vmid) else {
        return;
    };
    let requesting: Vec<(String, &Bridge)> = container
        .networks()
        .filter(|(_, parts)| parts.get("ip").is_some_and(|ip| ip == "dhcp"))
        .filter(|(option, _)| !container.leases.contains_key(*option))
        .filter_map(|(option, parts)| Some((option.to_owned(), bridge(core, &parts)?)))
        .collect();
    for (option, bridge) in requesting {
        let free = dhcp_range(bridge).find(|ip| !is_leased(state, *ip));
        if let (Some(container), Some(ip)) = (state.containers.get_mut(&vmid), free) {
            container.leases.insert(option, ip);
        }
    }
}

fn has_lease(container: &Container, ip: Ipv4Addr) -> bool {
    container.leases.values().any(|lease| *lease == ip)
}

/// The DHCP range of a bridge: a large network without its first 256 addresses, a small one without
/// its first 100.
fn dhcp_range(bridge: &Bridge) -> impl Iterator<Item = Ipv4Addr> + use<> {
    let size = 1u32
        .checked_shl(32 - u32::from(bridge.prefix.clamp(8, 30)))
        .unwrap_or(4);
    let first = u32::from(bridge.address) & !(size - 1);
    let skipped = if size > 512 { 256 } else { size.min(100) };
    (first + skipped..first + size - 1).map(Ipv4Addr::from)
}
