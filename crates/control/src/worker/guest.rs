//! Changes of the job's container on its cluster.
//!
//! A VMID is reserved only in Holdfast's database: users of Proxmox can create a guest with it, or
//! restore one under it. Therefore a guest is changed only if it has the reserved MAC address, read
//! right before the change. Nothing else in this crate may change guests; `clippy.toml` enforces
//! it.

use std::time::Duration;

use proxmox::{
    Client, ConfigChange, DeleteLxc, FirewallOptions, LxcConfig, LxcOptions, Net, Shutdown, Upid,
    Vmid,
};

use super::{context::Context, failure::StepFailure};
use crate::filters::firewall::{Change, IP_SET, OPTIONS, ObservedFirewall};

/// The guest with the container's VMID on its node.
pub(super) enum Guest {
    Absent,
    /// Being created; its owner is not known yet.
    Creating,
    /// Not created by Holdfast for this container.
    Unmanaged,
    Own(Box<VerifiedGuest>),
}

/// The job's container on the cluster, which had the reserved MAC address when it was read.
pub(super) struct VerifiedGuest {
    client: Client,
    node: String,
    vmid: Vmid,
    config: LxcConfig,
}

impl Context {
    /// Reads the guest with the container's VMID.
    pub(super) async fn get_guest(&self) -> Result<Guest, StepFailure> {
        let (node, vmid) = (self.node(), self.vmid()?);
        match self.client.lxc_config(&node, vmid).await {
            Ok(config) if config.lock.as_deref() == Some("create") => Ok(Guest::Creating),
            Ok(config) if self.has_reserved_mac(&config) => {
                Ok(Guest::Own(Box::new(VerifiedGuest {
                    client: self.client.clone(),
                    node,
                    vmid,
                    config,
                })))
            }
            Ok(_) => Ok(Guest::Unmanaged),
            Err(error) if error.is_not_found() => Ok(Guest::Absent),
            Err(error) => Err(error.into()),
        }
    }

    /// The job's container, for a step that needs it.
    pub(super) async fn verify_guest(&self) -> Result<VerifiedGuest, StepFailure> {
        let (vmid, node) = (self.container.vmid, &self.container.node);
        match self.get_guest().await? {
            Guest::Own(guest) => Ok(*guest),
            Guest::Absent => Err(StepFailure::new(format!(
                "CT {vmid} does not exist on {node}."
            ))),
            Guest::Creating => Err(self.creation_lock()),
            Guest::Unmanaged => Err(StepFailure::new(format!(
                "CT {vmid} on {node} has another MAC address than {}, so it is not the container of \
                    Holdfast. Nothing was changed there.",
                self.container.name,
            ))),
        }
    }

    /// The failure for a guest whose creation did not end. Only root can unlock it.
    pub(super) fn creation_lock(&self) -> StepFailure {
        let (vmid, node) = (self.container.vmid, &self.container.node);
        StepFailure::new(format!(
            "CT {vmid} on {node} is incomplete and locked. Delete it there as root: pct unlock \
                {vmid}, then pct destroy {vmid}."
        ))
    }

    /// Whether a configuration belongs to the job's container.
    pub(super) fn has_reserved_mac(&self, config: &LxcConfig) -> bool {
        let mac = self.container.mac.to_string();
        let actual = config.net0.as_ref().and_then(|net| net.hwaddr.as_deref());
        actual.is_some_and(|actual| actual.eq_ignore_ascii_case(&mac))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the MAC address of a verified guest was checked"
)]
impl VerifiedGuest {
    /// The configuration that was checked.
    pub(super) fn into_config(self) -> LxcConfig {
        self.config
    }

    pub(super) async fn start(&self) -> Result<Upid, proxmox::Error> {
        self.client.start_lxc(&self.node, self.vmid).await
    }

    /// Shuts the guest down.
    pub(super) async fn shutdown(&self, options: Shutdown) -> Result<Upid, proxmox::Error> {
        let (node, vmid) = (&self.node, self.vmid);
        self.client.shutdown_lxc(node, vmid, options).await
    }

    /// Stops the guest immediately.
    pub(super) async fn stop(&self) -> Result<Upid, proxmox::Error> {
        self.client.stop_lxc(&self.node, self.vmid).await
    }

    /// Restarts the guest.
    pub(super) async fn reboot(&self, timeout: Duration) -> Result<Upid, proxmox::Error> {
        let (node, vmid) = (&self.node, self.vmid);
        self.client.reboot_lxc(node, vmid, timeout).await
    }

    /// Changes the configuration, unless it has changed since it was checked.
    pub(super) async fn set_config(
        &self,
        options: LxcOptions,
        delete: Vec<String>,
    ) -> Result<(), proxmox::Error> {
        let change = ConfigChange {
            options,
            delete,
            digest: self.config.digest.clone(),
        };
        let (node, vmid) = (&self.node, self.vmid);
        self.client.set_lxc_config(node, vmid, &change).await
    }

    /// Turns the firewall of the first interface on. Returns false if it is on already.
    pub(super) async fn filter_interface(&self) -> Result<bool, proxmox::Error> {
        let Some(net) = self.config.net0.clone() else {
            return Ok(false);
        };
        if net.firewall == Some(true) {
            return Ok(false);
        }
        let options = LxcOptions {
            net0: Some(Net {
                firewall: Some(true),
                ..net
            }),
            ..LxcOptions::default()
        };
        self.set_config(options, Vec::new()).await?;
        Ok(true)
    }

    /// Reads the guest's firewall.
    pub(super) async fn firewall(&self) -> Result<ObservedFirewall, proxmox::Error> {
        let (client, node, vmid) = (&self.client, &self.node, self.vmid);
        let (options, sets, rules) = futures::try_join!(
            client.lxc_firewall_options(node, vmid),
            client.lxc_ip_sets(node, vmid),
            client.lxc_firewall_rules(node, vmid),
        )?;
        let entries = match sets.iter().any(|set| set.name == IP_SET) {
            true => Some(client.lxc_ip_set(node, vmid, IP_SET).await?),
            false => None,
        };
        Ok(ObservedFirewall {
            options,
            entries,
            rules,
        })
    }

    /// Makes a change to the guest's firewall that was derived from what was read.
    pub(super) async fn change_firewall(&self, change: &Change) -> Result<(), proxmox::Error> {
        let (client, node, vmid) = (&self.client, &self.node, self.vmid);
        match change {
            Change::CreateIpSet => client.create_lxc_ip_set(node, vmid, IP_SET).await,
            Change::AddEntry(entry) => client.add_lxc_ip_set_entry(node, vmid, IP_SET, entry).await,
            Change::RemoveEntry(cidr) => {
                client
                    .remove_lxc_ip_set_entry(node, vmid, IP_SET, cidr)
                    .await
            }
            Change::DeleteIpSet => client.delete_lxc_ip_set(node, vmid, IP_SET).await,
            Change::CreateRule(rule) => client.create_lxc_firewall_rule(node, vmid, rule).await,
            Change::DeleteRule { position, digest } => {
                client
                    .delete_lxc_firewall_rule(node, vmid, *position, digest.as_deref())
                    .await
            }
            Change::SetOptions(options) => {
                client
                    .set_lxc_firewall_options(node, vmid, options, &[])
                    .await
            }
            Change::ResetOptions => {
                let none = FirewallOptions::default();
                let set = OPTIONS.map(str::to_owned);
                client
                    .set_lxc_firewall_options(node, vmid, &none, &set)
                    .await
            }
        }
    }

    /// Deletes the guest with its disks.
    pub(super) async fn delete(&self, options: DeleteLxc) -> Result<Upid, proxmox::Error> {
        let (node, vmid) = (&self.node, self.vmid);
        self.client.delete_lxc(node, vmid, options).await
    }
}
