//! What is wrong with the cluster until somebody changes it: no quorum, a slow DHCP server, nodes
//! that were restarted. Data only; faults that hit one call are in [`crate::fault`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::core::now;

/// How the DHCP servers behind the bridges behave towards containers that start from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dhcp {
    /// A container has its address after [`crate::Config::address_delay`].
    #[default]
    Normal,
    /// It has its address only so long after its start.
    Late(Duration),
    /// It never gets one.
    Never,
}

/// The conditions that last.
#[derive(Debug)]
pub(crate) struct Conditions {
    pub(crate) quorate: bool,
    dhcp: Dhcp,
    /// Since when DHCP is so, in milliseconds since 1970.
    dhcp_since: u64,
    /// Nodes that were started again, and when.
    booted: BTreeMap<String, Instant>,
    /// Per node what ends when it loses power.
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

    /// How DHCP behaves towards a container that started at that time, in milliseconds since 1970.
    /// One that started before, or in the same millisecond, has its lease.
    pub(crate) fn dhcp_for(&self, started: u64) -> Dhcp {
        if started <= self.dhcp_since {
            Dhcp::Normal
        } else {
            self.dhcp
        }
    }

    /// When a node was started again, if it was.
    pub(crate) fn booted(&self, node: &str) -> Option<Instant> {
        self.booted.get(node).copied()
    }

    /// What is cancelled when a node loses power, or with `parent`.
    pub(crate) fn power(&mut self, node: &str, parent: &CancellationToken) -> CancellationToken {
        let fresh = || parent.child_token();
        self.power
            .entry(node.to_owned())
            .or_insert_with(fresh)
            .clone()
    }

    /// Takes a node's power away. What starts there afterwards has power again.
    pub(crate) fn cut_power(&mut self, node: &str) {
        self.booted.insert(node.to_owned(), Instant::now());
        if let Some(power) = self.power.remove(node) {
            power.cancel();
        }
    }
}
