//! The network configuration of a node: active and pending. No HTTP here.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::config::Bridge;

/// The options of an interface, such as `type`, `cidr`, `bridge_ports`.
pub(crate) type Iface = BTreeMap<String, String>;

/// The interfaces of a node, by name.
pub(crate) type Ifaces = BTreeMap<String, Iface>;

/// The network configuration of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Network {
    /// The active interfaces.
    pub(crate) applied: Ifaces,
    /// The interfaces after the next reload, if there are pending changes.
    pub(crate) staged: Option<Ifaces>,
}

fn iface(options: &[(&str, &str)]) -> Iface {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    options.iter().map(own).collect()
}

/// The last host address of a bridge's network.
fn gateway(bridge: &Bridge) -> String {
    let hosts = u32::MAX
        .checked_shr(bridge.prefix.into())
        .unwrap_or_default();
    let last = (bridge.address.to_bits() | hosts).saturating_sub(1);
    Ipv4Addr::from(last).to_string()
}

impl Network {
    /// A configuration with one network card and these bridges.
    pub(crate) fn with_bridges(bridges: &[Bridge]) -> Self {
        let mut applied = Ifaces::new();
        applied.insert("eno1".into(), iface(&[("type", "eth"), ("exists", "1")]));
        for bridge in bridges {
            let cidr = format!("{}/{}", bridge.address, bridge.prefix);
            let mut options = vec![
                ("type", "bridge"),
                ("autostart", "1"),
                ("bridge_ports", "eno1"),
                ("bridge_stp", "off"),
                ("bridge_fd", "0"),
                ("cidr", cidr.as_str()),
            ];
            // The default gateway is on the first bridge.
            let gateway = gateway(bridge);
            if applied.len() == 1 {
                options.push(("gateway", &gateway));
            }
            applied.insert(bridge.name.clone(), iface(&options));
        }
        Self {
            applied,
            staged: None,
        }
    }

    /// The configured interfaces, including pending changes.
    pub(crate) fn configured(&self) -> &Ifaces {
        self.staged.as_ref().unwrap_or(&self.applied)
    }

    /// The pending interfaces, for modification.
    pub(crate) fn pending_mut(&mut self) -> &mut Ifaces {
        let applied = &self.applied;
        self.staged.get_or_insert_with(|| applied.clone())
    }

    /// Applies the pending changes.
    pub(crate) fn apply(&mut self) {
        if let Some(staged) = self.staged.take() {
            self.applied = staged;
        }
    }

    /// Whether an active bridge has this name.
    pub(crate) fn has_bridge(&self, name: &str) -> bool {
        let kind = self.applied.get(name).and_then(|iface| iface.get("type"));
        kind.is_some_and(|kind| kind == "bridge" || kind == "OVSBridge")
    }

    /// The pending changes as a diff, or `None` if there are none.
    pub(crate) fn changes(&self) -> Option<String> {
        let staged = self.staged.as_ref()?;
        let (old, new) = (stanzas(&self.applied), stanzas(staged));
        let removed = old.iter().filter(|line| !new.contains(line));
        let added = new.iter().filter(|line| !old.contains(line));
        let mut text = "--- /etc/network/interfaces\n+++ /etc/network/interfaces.new\n".to_owned();
        for (sign, line) in removed
            .map(|line| ('-', line))
            .chain(added.map(|line| ('+', line)))
        {
            text.push_str(&format!("{sign}{line}\n"));
        }
        Some(text)
    }
}

fn stanzas(ifaces: &Ifaces) -> Vec<String> {
    let lines = |(name, options): (&String, &Iface)| {
        let head = format!("iface {name}");
        let lines = options
            .iter()
            .map(|(option, value)| format!("\t{name} {option} {value}"));
        std::iter::once(head).chain(lines).collect::<Vec<_>>()
    };
    ifaces.iter().flat_map(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_pending_until_applied() {
        let mut network = Network::with_bridges(&[]);
        assert_eq!(network.changes(), None);
        let bridge = iface(&[("type", "bridge")]);
        network.pending_mut().insert("vmbr9".into(), bridge);
        assert!(!network.has_bridge("vmbr9"));
        assert!(network.configured().contains_key("vmbr9"));
        assert!(network.changes().unwrap().contains("+iface vmbr9"));
        network.apply();
        assert!(network.has_bridge("vmbr9"));
        assert_eq!(network.changes(), None);
    }
}
