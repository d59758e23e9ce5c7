//! Chooses VMID and addresses of a container from its site's ranges. The database's unique
//! constraints detect conflicts between concurrent choices; the caller retries.

use std::{collections::BTreeSet, net::Ipv4Addr};

use model::{Error, net::MacAddress, sites::SiteSpec};
use rand::RngExt as _;

/// The prefix BC:24:11 (Proxmox Server Solutions), which Proxmox also uses for generated MAC
/// addresses.
const MAC_PREFIX: [u8; 3] = [0xBC, 0x24, 0x11];

/// Chooses a free value: the first one at the first attempt, a random one later, so that concurrent
/// creations do not conflict again.
pub(super) fn choose<T>(mut free: impl Iterator<Item = T>, attempt: u32) -> Option<T> {
    if attempt == 0 {
        return free.next();
    }
    let mut some: Vec<T> = free.take(256).collect();
    if some.is_empty() {
        return None;
    }
    let index = rand::rng().random_range(0..some.len());
    Some(some.swap_remove(index))
}

/// A free address of the site.
pub(super) fn address(
    site: &SiteSpec,
    taken: &BTreeSet<Ipv4Addr>,
    attempt: u32,
) -> Result<Ipv4Addr, Error> {
    let free = site
        .range
        .iter()
        .filter(|ip| *ip != site.gateway && !taken.contains(ip));
    choose(free, attempt).ok_or_else(|| {
        Error::conflict(format!(
            "{} has no free IP address in {}.",
            site.name, site.range
        ))
    })
}

/// A free VMID on the cluster.
pub(super) fn vmid(
    site: &SiteSpec,
    is_taken: impl Fn(u32) -> bool,
    attempt: u32,
) -> Result<u32, Error> {
    let free = (site.vmids.first..=site.vmids.last).filter(|vmid| !is_taken(*vmid));
    choose(free, attempt).ok_or_else(|| {
        Error::conflict(format!("{} has no free VMID in {}.", site.name, site.vmids))
    })
}

/// A random MAC address; the database rejects a duplicate.
pub(super) fn mac() -> Result<MacAddress, Error> {
    let [a, b, c] = MAC_PREFIX;
    let [d, e, f] = rand::random::<[u8; 3]>();
    MacAddress::from_octets([a, b, c, d, e, f])
        .map_err(|e| crate::failure::internal("generate MAC address", &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_attempts_choose_a_random_free_value() {
        assert_eq!(choose([7, 8].into_iter(), 0), Some(7));
        assert!([7, 8].contains(&choose([7, 8].into_iter(), 1).unwrap()));
        assert_eq!(choose(std::iter::empty::<u8>(), 1), None);
    }
}
