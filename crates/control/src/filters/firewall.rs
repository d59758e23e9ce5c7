//! The desired firewall of a container, and how it differs from the observed one. Only entries with
//! the comments of Holdfast are managed; all others belong to administrators of Proxmox and are
//! never changed.

use std::{collections::BTreeSet, net::Ipv4Addr};

use model::filters::PortAccess;
use proxmox::{FirewallOptions, FirewallRule, IpSetEntry, ListedRule};

/// The IP set with the addresses that the container's first interface may use.
pub(crate) const IP_SET: &str = "ipfilter-net0";

/// The comments of rules and entries that Holdfast manages.
mod comment {
    pub(super) const ADDRESS: &str = "holdfast: address";
    pub(super) const DHCP_SERVER: &str = "holdfast: no DHCP server";
    pub(super) const EDGE: &str = "holdfast: edge";
    pub(super) const PING: &str = "holdfast: ping";
    pub(super) const ALL: [&str; 4] = [ADDRESS, DHCP_SERVER, EDGE, PING];
}

/// What the firewall of a container depends on.
#[derive(Debug)]
pub(crate) struct Basis {
    pub(crate) address: Ipv4Addr,
    /// Whether the container gets its address by DHCP. Those that Holdfast created do not.
    pub(crate) uses_dhcp: bool,
    pub(crate) port_access: PortAccess,
    /// The addresses of the site's edge hosts.
    pub(crate) edge_hosts: BTreeSet<Ipv4Addr>,
}

/// The firewall of a container, as far as Holdfast manages it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GuestFirewall {
    /// All options are set, or none.
    options: Option<FirewallOptions>,
    addresses: BTreeSet<String>,
    rules: BTreeSet<FirewallRule>,
}

impl GuestFirewall {
    /// Whether the container is filtered.
    pub(crate) fn is_on(&self) -> bool {
        self.options.is_some()
    }
}

/// The firewall of a container as read from its cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObservedFirewall {
    pub(crate) options: FirewallOptions,
    /// The entries of [`IP_SET`]; `None` if it does not exist.
    pub(crate) entries: Option<Vec<IpSetEntry>>,
    pub(crate) rules: Vec<ListedRule>,
}

/// A change that brings the observed firewall closer to the desired one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    CreateIpSet,
    AddEntry(IpSetEntry),
    CreateRule(FirewallRule),
    /// Sets options, or resets all that Holdfast sets.
    SetOptions(FirewallOptions),
    ResetOptions,
    RemoveEntry(String),
    DeleteIpSet,
    /// The position is valid only for the digest.
    DeleteRule {
        position: u32,
        digest: Option<String>,
    },
}

/// The options that Holdfast sets.
pub(crate) const OPTIONS: [&str; 7] = [
    "enable",
    "dhcp",
    "ipfilter",
    "macfilter",
    "radv",
    "policy_in",
    "policy_out",
];

/// The desired firewall. A container that is an edge host itself is reachable, and may be the DHCP
/// server.
pub(crate) fn desired(basis: &Basis) -> GuestFirewall {
    let is_edge_host = basis.edge_hosts.contains(&basis.address);
    let is_closed = basis.port_access == PortAccess::Edge && !is_edge_host;
    let mut rules = BTreeSet::new();
    if !is_edge_host {
        // Clients accept responses from any source port. The second port is that of DHCPv6 clients.
        for port in ["68", "546"] {
            let response = [("proto", "udp"), ("dport", port)];
            rules.insert(rule("out", "DROP", &response, comment::DHCP_SERVER));
        }
    }
    if is_closed {
        let ping = [("proto", "icmp"), ("icmp-type", "echo-request")];
        rules.insert(rule("in", "ACCEPT", &ping, comment::PING));
        for edge_host in &basis.edge_hosts {
            let source = edge_host.to_string();
            rules.insert(rule("in", "ACCEPT", &[("source", &source)], comment::EDGE));
        }
    }
    GuestFirewall {
        options: Some(FirewallOptions {
            enable: Some(true),
            // Its rules precede the filters, so that a container could send requests of others.
            dhcp: Some(basis.uses_dhcp),
            ipfilter: Some(true),
            macfilter: Some(true),
            radv: Some(false),
            policy_in: Some(if is_closed { "DROP" } else { "ACCEPT" }.to_owned()),
            policy_out: Some("ACCEPT".to_owned()),
            digest: None,
        }),
        addresses: BTreeSet::from([basis.address.to_string()]),
        rules,
    }
}

fn rule(direction: &str, action: &str, settings: &[(&str, &str)], comment: &str) -> FirewallRule {
    let comment = ("comment", comment);
    let settings = settings.iter().chain([&comment]);
    FirewallRule {
        direction: direction.to_owned(),
        action: action.to_owned(),
        enabled: true,
        settings: settings
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

/// The changes that are missing. Additions come first, so that the container never has a closed
/// port that should be open; then deletions of rules, of which only the first has a valid position.
pub(crate) fn difference(desired: &GuestFirewall, observed: &ObservedFirewall) -> Vec<Change> {
    let mut changes = Vec::new();
    let none = Vec::new();
    let entries = observed.entries.as_ref().unwrap_or(&none);
    if observed.entries.is_none() && !desired.addresses.is_empty() {
        changes.push(Change::CreateIpSet);
    }
    let missing = desired.addresses.iter().filter(|address| {
        let mut entries = entries.iter();
        !entries.any(|entry| is_address(entry, address))
    });
    changes.extend(missing.map(|address| {
        Change::AddEntry(IpSetEntry {
            cidr: address.clone(),
            comment: Some(comment::ADDRESS.to_owned()),
            nomatch: false,
        })
    }));
    let missing = desired.rules.iter().filter(|rule| {
        let mut listed = observed.rules.iter();
        !listed.any(|listed| listed.rule == **rule)
    });
    changes.extend(missing.cloned().map(Change::CreateRule));
    changes.extend(options_change(desired, observed));
    let stale: Vec<&IpSetEntry> = entries
        .iter()
        .filter(|entry| is_managed(entry.comment.as_deref()))
        .filter(|entry| {
            let mut addresses = desired.addresses.iter();
            !addresses.any(|address| is_address(entry, address))
        })
        .collect();
    let remaining = entries.len() - stale.len();
    changes.extend(
        stale
            .iter()
            .map(|entry| Change::RemoveEntry(entry.cidr.clone())),
    );
    if !stale.is_empty() && remaining == 0 && desired.addresses.is_empty() {
        changes.push(Change::DeleteIpSet);
    }
    changes.extend(surplus_rules(desired, observed));
    changes
}

/// Whether an entry allows exactly this address.
fn is_address(entry: &IpSetEntry, address: &str) -> bool {
    let cidr = entry.cidr.strip_suffix("/32").unwrap_or(&entry.cidr);
    cidr == address && !entry.nomatch
}

fn is_managed(comment: Option<&str>) -> bool {
    comment.is_some_and(|comment| comment::ALL.contains(&comment))
}

fn options_change(desired: &GuestFirewall, observed: &ObservedFirewall) -> Option<Change> {
    let current = FirewallOptions {
        digest: None,
        ..observed.options.clone()
    };
    match &desired.options {
        Some(options) => (current != *options).then(|| Change::SetOptions(options.clone())),
        None => (current != FirewallOptions::default()).then_some(Change::ResetOptions),
    }
}

/// Deletions of managed rules that are not desired, and of duplicates.
fn surplus_rules(desired: &GuestFirewall, observed: &ObservedFirewall) -> Vec<Change> {
    let mut kept = BTreeSet::new();
    let surplus = observed.rules.iter().filter(|listed| {
        is_managed(listed.rule.comment())
            && !(desired.rules.contains(&listed.rule) && kept.insert(&listed.rule))
    });
    let deletion = |listed: &ListedRule| Change::DeleteRule {
        position: listed.position,
        digest: listed.digest.clone(),
    };
    surplus.map(deletion).collect()
}

#[cfg(test)]
mod tests;
