//! Addresses that a site's edge hosts have lent: as an agent tells of them, and as people see them.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::{ContainerId, Timestamp, names::Label, net::Mac};

/// The most leases that an agent tells of at once.
pub const MOST: usize = 10_000;

/// An address that is lent, as the agent read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who has it.
    pub mac: Mac,
    /// The address.
    pub address: Ipv4Addr,
    /// The name that dnsmasq knows the machine by, where it knows one.
    #[serde(default)]
    pub name: Option<Label>,
    /// For how many more seconds, by the edge host's own clock; none means for ever. The time of day
    /// there may be wrong.
    #[serde(default)]
    pub left_s: Option<u64>,
}

/// An address that is lent now, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRow {
    /// Who has it.
    pub mac: Mac,
    /// The address.
    pub address: Ipv4Addr,
    /// The name that dnsmasq knows the machine by, where it knows one.
    pub name: Option<Label>,
    /// Until when; none means for ever.
    pub until: Option<Timestamp>,
    /// The container with this hardware address; none means a machine that the site does not know.
    pub container: Option<Holder>,
}

/// The container that a hardware address is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The container.
    pub id: ContainerId,
    /// Its name.
    pub name: Label,
    /// The address that is reserved for it.
    pub reserved: Ipv4Addr,
}

impl LeaseRow {
    /// Whether nobody of the site has this hardware address.
    pub fn is_unknown(&self) -> bool {
        self.container.is_none()
    }

    /// What is wrong with it and what to do, when it is not the address that is reserved.
    pub fn wrong(&self) -> Option<String> {
        let holder = self.container.as_ref()?;
        (holder.reserved != self.address).then(|| wrong(self.address, holder.reserved))
    }
}

/// What to say of a container that has another address than the one reserved for it.
pub fn wrong(has: Ipv4Addr, should: Ipv4Addr) -> String {
    format!(
        "It has the address {has}, and should have {should}: its name and its services lead to \
         {should}, where nobody answers. Restart it, so that it asks for its address again; if it \
         keeps {has}, an address is set inside it."
    )
}
