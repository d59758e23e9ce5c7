//! Interface filters: the rules of Proxmox's firewall on the interface of a container, and whether
//! they isolate the containers of a site from each other.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Invalid, SiteId, jobs::string_enum, names::NodeName};

string_enum! {
    /// Who reaches the ports of a site's containers directly.
    #[derive(Default)]
    PortAccess {
        /// Every machine of the network, and every machine that the gateway routes.
        #[default]
        Network = "network",
        /// Only the edge hosts of the site.
        Edge = "edge",
    }
}

string_enum! {
    /// Whether the interface filters of a container are set on its cluster.
    #[derive(Default)]
    FilterState {
        /// No filters are set.
        #[default]
        Unset = "unset",
        /// A job has to set or remove the filters.
        Due = "due",
        /// A job is setting or removing the filters, or failed to.
        Applying = "applying",
        /// The filters are set.
        Set = "set",
    }
}

/// The interface filters of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerFilters {
    /// Whether Holdfast sets filters. Always the case for containers that Holdfast created.
    pub managed: bool,
    /// Whether they are set on the cluster.
    pub state: FilterState,
}

impl ContainerFilters {
    /// Whether the container has interface filters.
    pub fn are_set(self) -> bool {
        self.managed && self.state == FilterState::Set
    }
}

/// The number of a site's containers with and without interface filters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterCounts {
    /// All containers that exist on the cluster.
    pub containers: u32,
    /// Those with interface filters.
    pub filtered: u32,
    /// Imported containers whose owners did not turn interface filters on.
    pub unmanaged: u32,
}

/// Whether a cluster's firewall filters packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum FirewallStatus {
    /// It is on for the cluster and on all nodes that are online.
    On,
    /// It is off for the cluster.
    Off,
    /// It is off on these nodes.
    OffOnNodes {
        /// The nodes.
        nodes: Vec<NodeName>,
    },
    /// Holdfast may not read its options.
    Forbidden,
    /// The cluster did not respond.
    Unreachable,
}

/// Whether the containers of a site are isolated from each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteIsolation {
    /// The site.
    pub site: SiteId,
    /// The site's option.
    pub port_access: PortAccess,
    /// The containers with and without filters.
    pub counts: FilterCounts,
    /// The cluster's firewall.
    pub firewall: FirewallStatus,
}

impl SiteIsolation {
    /// Why the site is one trust zone, as the end of a sentence; `None` when filters are enforced
    /// on all containers.
    pub fn weakness(&self) -> Option<String> {
        let FilterCounts {
            containers,
            filtered,
            ..
        } = self.counts;
        Some(match &self.firewall {
            FirewallStatus::Off => "the cluster's firewall is off".to_owned(),
            FirewallStatus::OffOnNodes { nodes } => {
                let names: Vec<&str> = nodes.iter().map(NodeName::as_str).collect();
                format!("the firewall is off on {}", names.join(", "))
            }
            FirewallStatus::Forbidden => {
                "Holdfast may not read the firewall's options, for which it needs Sys.Audit on /"
                    .to_owned()
            }
            FirewallStatus::Unreachable => {
                "the cluster is unreachable, so its firewall may be off".to_owned()
            }
            FirewallStatus::On if filtered < containers => format!(
                "{} of {containers} containers have no interface filters",
                containers - filtered
            ),
            FirewallStatus::On => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn isolation(firewall: FirewallStatus, filtered: u32) -> SiteIsolation {
        let counts = FilterCounts {
            containers: 3,
            filtered,
            unmanaged: 0,
        };
        SiteIsolation {
            site: SiteId(1),
            port_access: PortAccess::Edge,
            counts,
            firewall,
        }
    }

    #[test]
    fn site_is_isolated_only_if_firewall_and_all_filters_are_on() {
        assert_eq!(isolation(FirewallStatus::On, 3).weakness(), None);
        let weakness = isolation(FirewallStatus::On, 1).weakness().unwrap();
        assert_eq!(weakness, "2 of 3 containers have no interface filters");
        let nodes = vec!["pve2".parse().unwrap()];
        for firewall in [
            FirewallStatus::Off,
            FirewallStatus::OffOnNodes { nodes },
            FirewallStatus::Forbidden,
            FirewallStatus::Unreachable,
        ] {
            assert!(
                isolation(firewall.clone(), 3).weakness().is_some(),
                "{firewall:?}"
            );
        }
    }

    #[test]
    fn words_round_trip() {
        for access in PortAccess::ALL {
            assert_eq!(access.as_str().parse(), Ok(*access));
        }
        for state in FilterState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert!("members".parse::<PortAccess>().is_err());
    }
}
