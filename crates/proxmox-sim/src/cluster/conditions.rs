//! Lasting conditions of the cluster: quorum, DHCP behavior, restarted nodes. Data only. Faults
//! that affect a single request are in [`crate::faults`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::clock::now;

/// How the DHCP servers of the bridges treat containers that start from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dhcp {
    /// A container gets its address after [`crate::Config::address_delay`].
    #[default]
    Normal,
    /// A container gets its address only after this time.
    Late(Duration),
    /// A container never gets an address.
    Never,
}

/// The current conditions.
#[derive(Debug)]
pub(crate) struct Conditions {
    pub(crate) quorate: bool,
    dhcp: Dhcp,
    /// When the DHCP behavior was last changed, in milliseconds since the Unix epoch.
    dhcp_since: u64,
    /// Restarted nodes and the time of their last restart.
    booted: BTreeMap<String, Instant>,
    /// Per node, a token that is canceled when the node loses power.
    power: BTreeMap<String, CancellationToken>,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            quorate: true,
            dhcp: Dhcp::Normal,
            dhcp_since: 0,
            booted: BTreeMap::new(),
            power: BTreeMap::new(),
        }
    }
}

impl Conditions {
    pub(crate) fn dhcp(&self) -> Dhcp {
        self.dhcp
    }

    pub(crate) fn set_dhcp(&mut self, dhcp: Dhcp) {
        self.dhcp = dhcp;
        self.dhcp_since = u64::try_from(now().as_millis()).unwrap_or_default();
    }

    /// The DHCP behavior for a container that started at `started` (milliseconds since the Unix
    /// epoch). A container that started at or before the last change keeps its lease.
    pub(crate) fn dhcp_for(&self, started: u64) -> Dhcp {
        if started <= self.dhcp_since {
            Dhcp::Normal
        } else {
            self.dhcp
        }
    }

    /// When a node was last restarted.
    pub(crate) fn booted(&self, node: &str) -> Option<Instant> {
        self.booted.get(node).copied()
    }

    /// The token that is canceled when a node loses power, or with `parent`.
    pub(crate) fn power(&mut self, node: &str, parent: &CancellationToken) -> CancellationToken {
        let fresh = || parent.child_token();
        self.power
            .entry(node.to_owned())
            .or_insert_with(fresh)
            .clone()
    }

    /// Cuts the power of a node. Whatever starts there afterwards gets a new token.
    pub(crate) fn cut_power(&mut self, node: &str) {
        self.booted.insert(node.to_owned(), Instant::now());
        if let Some(power) = self.power.remove(node) {
            power.cancel();
        }
    }
}
