//! The firewalls of the cluster, of nodes and of guests.

use super::Handle;
use crate::cluster::firewall::Firewall;

impl Handle {
    /// The firewall of a guest.
    pub fn firewall(&self, vmid: u32) -> Firewall {
        self.core
            .read(|state| state.firewalls.get(&vmid).cloned().unwrap_or_default())
    }

    /// Changes the firewall of a guest, as an administrator of Proxmox would.
    pub fn change_firewall(&self, vmid: u32, change: impl FnOnce(&mut Firewall)) {
        self.core
            .edit(|state| change(state.firewalls.entry(vmid).or_default()));
    }

    /// Turns the cluster's firewall on or off.
    pub fn set_cluster_firewall(&self, on: bool) {
        let value = u8::from(on).to_string();
        self.core
            .edit(|state| state.cluster_firewall.insert("enable".to_owned(), value));
    }

    /// Turns the firewall of a node on or off.
    pub fn set_node_firewall(&self, node: &str, on: bool) {
        let value = u8::from(on).to_string();
        self.core.edit(|state| {
            let options = state.node_firewalls.entry(node.to_owned()).or_default();
            options.insert("enable".to_owned(), value)
        });
    }
}
