//! DHCP leases of a site: as reported by agents, and as shown to users.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::{ContainerId, Timestamp, names::Label, net::MacAddress};

/// The maximum number of leases in one report.
pub const MAX_LEASES: usize = 10_000;

/// A DHCP lease, as read by an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The MAC address of the client.
    pub mac: MacAddress,
    /// The leased address.
    pub address: Ipv4Addr,
    /// The client's name in dnsmasq, if known.
    #[serde(default)]
    pub name: Option<Label>,
    /// Seconds until the lease expires; `None` means never. Relative, because the edge host's clock
    /// may be wrong.
    #[serde(default)]
    pub remaining_s: Option<u64>,
}

/// A current DHCP lease, for users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRow {
    /// The MAC address of the client.
    pub mac: MacAddress,
    /// The leased address.
    pub address: Ipv4Addr,
    /// The client's name in dnsmasq, if known.
    pub name: Option<Label>,
    /// When the lease expires; `None` means never.
    pub until: Option<Timestamp>,
    /// The container with this MAC address; `None` for other machines.
    pub container: Option<LeaseContainer>,
}

/// The container that a MAC address belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseContainer {
    /// The container.
    pub id: ContainerId,
    /// The container's name.
    pub name: Label,
    /// The reserved address of the container.
    pub reserved: Ipv4Addr,
}

impl LeaseRow {
    /// Whether the MAC address belongs to no container of the site.
    pub fn is_unknown(&self) -> bool {
        self.container.is_none()
    }

    /// Describes the problem and what to do, if the leased address is not the reserved one.
    pub fn mismatch_message(&self) -> Option<String> {
        let holder = self.container.as_ref()?;
        (holder.reserved != self.address)
            .then(|| address_mismatch_message(self.address, holder.reserved))
    }
}

/// The message for a container whose address differs from the reserved one.
pub fn address_mismatch_message(has: Ipv4Addr, should: Ipv4Addr) -> String {
    format!(
        "The address is {has} instead of {should}, so the container's name and services do not \
         work. Restart the container to renew its lease; if it keeps {has}, remove the static \
         address in the container."
    )
}
