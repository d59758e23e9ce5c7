//! Inspecting and changing a running simulator without its API, for tests.

mod firewall;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::cluster::conditions::Dhcp;
use crate::cluster::container::Power;
use crate::cluster::container_http::ContainerHttp;
use crate::cluster::container_view::ContainerView;
use crate::cluster::core::{Core, lock};
use crate::cluster::dhcp;
use crate::cluster::oci;
use crate::cluster::persist;
use crate::cluster::restart;
use crate::cluster::state::{Kind, ReportedInterfaces, Volume};
use crate::cluster::tls::CertificateError;
use crate::config::ContainerSpec;
use crate::faults::Fault;
use crate::http::server::Presence;

/// IP addresses with prefix lengths, by MAC address.
pub type Interfaces = BTreeMap<String, Vec<(IpAddr, u8)>>;

/// Why reported interfaces were rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterfacesError {
    /// The container is not running.
    #[error("container {0} is not running")]
    NotRunning(u32),
    /// The container has no interface with this MAC address.
    #[error("container {vmid} has no interface with the MAC address {mac}")]
    NoInterface {
        /// The container's VMID.
        vmid: u32,
        /// The MAC address.
        mac: String,
    },
}

/// Direct access to a running simulator, bypassing its API.
pub struct Handle {
    core: Arc<Core>,
    presence: Presence,
}

impl Handle {
    pub(crate) fn new(core: Arc<Core>, presence: Presence) -> Self {
        Self { core, presence }
    }

    /// All containers, including incomplete ones, sorted by VMID.
    pub fn containers(&self) -> Vec<ContainerView> {
        self.core
            .read(|state| state.containers.values().map(ContainerView::from).collect())
    }

    /// Returns a container.
    pub fn container(&self, vmid: u32) -> Option<ContainerView> {
        self.core
            .read(|state| state.containers.get(&vmid).map(ContainerView::from))
    }

    /// Returns an HTTP client for the containers.
    pub fn container_http(&self) -> ContainerHttp {
        ContainerHttp::new(self.core.clone())
    }

    /// Sets the speed factor relative to the configuration.
    pub fn set_speed(&self, speed: u32) {
        self.core.set_speed(speed);
    }

    /// The version of the containers. It changes with every change; its value has no other meaning.
    pub fn version(&self) -> u64 {
        *self.core.version.borrow()
    }

    /// Waits until the version differs from `known` or the simulator stops.
    pub async fn wait_for_change(&self, known: u64) {
        let mut versions = self.core.version.subscribe();
        tokio::select! {
            () = self.core.shutdown.cancelled() => {}
            // The sender is in the core, which outlives this future.
            _ = versions.wait_for(|version| *version != known) => {}
        }
    }

    /// Sets the IP addresses that a container's real host observed. They replace the simulated
    /// addresses until the container is restarted.
    ///
    /// # Errors
    /// If the container is not running or has no interface with a given MAC address.
    pub fn set_interfaces(
        &self,
        vmid: u32,
        interfaces: &Interfaces,
    ) -> Result<(), InterfacesError> {
        let lowercase = |(mac, all): (&String, &Vec<_>)| (mac.to_ascii_lowercase(), all.clone());
        let addresses: Interfaces = interfaces.iter().map(lowercase).collect();
        self.core.edit_transient(|state| {
            let container = state.containers.get(&vmid);
            let found = container.and_then(|container| Some((container, container.pid()?)));
            let (container, pid) = found.ok_or(InterfacesError::NotRunning(vmid))?;
            let macs: Vec<String> = container
                .networks()
                .filter_map(|(_, parts)| Some(parts.get("hwaddr")?.to_ascii_lowercase()))
                .collect();
            if let Some(mac) = addresses.keys().find(|mac| !macs.contains(mac)) {
                let mac = mac.clone();
                return Err(InterfacesError::NoInterface { vmid, mac });
            }
            state
                .reported_interfaces
                .insert(vmid, ReportedInterfaces { pid, addresses });
            Ok(())
        })
    }

    /// The IDs of all volumes on a node, such as `local-lvm:vm-100-disk-0`.
    pub fn volumes(&self, node: &str) -> Vec<String> {
        self.core.read(|state| {
            let volumes = state.volumes.iter().filter(|volume| volume.node == node);
            volumes.map(crate::cluster::state::Volume::id).collect()
        })
    }

    /// The number of requests by method and path below `/api2/json`, such as `GET /nodes`. Task IDs
    /// are replaced: `GET /nodes/pve1/tasks/{upid}/status`.
    pub fn request_counts(&self) -> BTreeMap<String, u64> {
        lock(&self.core.requests).clone()
    }

    /// Creates a container immediately. Returns whether the VMID was free.
    pub fn add_container(&self, spec: &ContainerSpec) -> bool {
        let created = crate::clock::now().as_secs();
        self.core.edit(|state| {
            let free = !state.containers.contains_key(&spec.vmid);
            if free {
                persist::add_container(state, &self.core.config, spec, created);
                if spec.running {
                    dhcp::lease_addresses(&self.core, state, spec.vmid);
                }
            }
            free
        })
    }

    /// Removes a container in any state, with its disks, pool memberships and access control
    /// entries. Returns whether it existed.
    pub fn remove_container(&self, vmid: u32) -> bool {
        self.core.edit(|state| {
            state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
            state.remove_container(vmid)
        })
    }

    /// Deletes the configuration file and the disks of a container, as by hand on the node. Unlike
    /// [`Handle::remove_container`], pool memberships and access control entries remain. Returns
    /// whether the container existed.
    pub fn delete_config_file(&self, vmid: u32) -> bool {
        self.core.edit(|state| {
            state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
            state.containers.remove(&vmid).is_some()
        })
    }

    /// Stops a container immediately. Returns whether it was running.
    pub fn stop_container(&self, vmid: u32) -> bool {
        self.core.edit(|state| {
            state.containers.get_mut(&vmid).is_some_and(|container| {
                std::mem::replace(&mut container.power, Power::Stopped) != Power::Stopped
            })
        })
    }

    /// Sets or removes the `lock` of a container, as a backup would (`backup`). Returns whether the
    /// container exists.
    pub fn set_lock(&self, vmid: u32, reason: Option<&str>) -> bool {
        self.core.edit(|state| {
            let Some(container) = state.containers.get_mut(&vmid) else {
                return false;
            };
            match reason {
                Some(reason) => drop(container.options.insert("lock".into(), reason.into())),
                None => drop(container.options.remove("lock")),
            }
            true
        })
    }

    /// Holds the lock of a container's configuration for a time, as another process would. Requests
    /// and tasks that need the lock wait at most [`crate::Config::lock_timeout`]. Returns whether
    /// the lock could be acquired in that time.
    pub async fn hold_lock(&self, vmid: u32, time: Duration) -> bool {
        let Ok(guard) = self.core.lock_config(vmid).await else {
            return false;
        };
        let shutdown = self.core.shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(time) => {}
            }
            drop(guard);
        });
        true
    }

    /// Whether a node with this name exists.
    pub fn has_node(&self, node: &str) -> bool {
        let nodes = &self.core.config.scenario.nodes;
        nodes.iter().any(|spec| spec.name == node)
    }

    /// Moves a container and its disks to another node immediately, in any state. Returns whether
    /// the container and the node exist.
    pub fn move_container(&self, vmid: u32, node: &str) -> bool {
        if !self.has_node(node) {
            return false;
        }
        self.core.edit(|state| {
            let Some(container) = state.containers.get_mut(&vmid) else {
                return false;
            };
            node.clone_into(&mut container.node);
            let own = |volume: &&mut Volume| volume.kind == Kind::Disk { vmid };
            for volume in state.volumes.iter_mut().filter(own) {
                node.clone_into(&mut volume.node);
            }
            true
        })
    }

    /// Changes a container's hostname. Returns whether the container exists.
    pub fn rename_container(&self, vmid: u32, hostname: &str) -> bool {
        self.core.edit(|state| {
            let Some(container) = state.containers.get_mut(&vmid) else {
                return false;
            };
            container.pending.remove("hostname");
            container.options.insert("hostname".into(), hostname.into());
            true
        })
    }

    /// Adds an image to a node's storage as if it had been pulled. Returns whether the catalog
    /// contains it.
    pub fn add_image(&self, node: &str, reference: &str, file: &str) -> bool {
        let catalog = &self.core.config.scenario.images;
        let Some(image) = oci::find(catalog, reference).cloned() else {
            return false;
        };
        let Some(storage) = self.core.config.scenario.storage_for("vztmpl") else {
            return false;
        };
        self.core
            .edit(|state| oci::store(state, node, &storage.name, file, image));
        true
    }

    /// Takes a node offline or brings it back. Requests for an offline node fail with status 595.
    pub fn set_node_online(&self, node: &str, online: bool) {
        self.core.edit_transient(|state| {
            if online {
                state.offline.remove(node);
            } else {
                state.offline.insert(node.to_owned());
            }
        });
    }

    /// Injects a fault for the next matching request.
    pub fn inject(&self, fault: Fault) {
        lock(&self.core.faults).push(fault);
    }

    /// Removes all pending faults.
    pub fn clear_faults(&self) {
        lock(&self.core.faults).clear();
    }

    /// The pending faults in order.
    pub fn pending_faults(&self) -> Vec<Fault> {
        lock(&self.core.faults).all().cloned().collect()
    }

    /// The number of pending faults.
    pub fn pending_fault_count(&self) -> usize {
        lock(&self.core.faults).len()
    }

    /// Closes the listener and all connections, so that new connections are refused. Tasks
    /// continue.
    pub async fn close_listener(&self) {
        self.presence.set(false).await;
    }

    /// Opens the listener again on the same port.
    pub async fn reopen_listener(&self) {
        self.presence.set(true).await;
    }

    /// Simulates a power failure and restart of a node. Returns once the node is down; it is up
    /// again after `downtime`. If it is the node that serves requests, the listener is closed as by
    /// [`Handle::close_listener`]. Its tasks end with `unexpected status`, incomplete containers
    /// and locks remain, and its containers are stopped until the node is up and starts those with
    /// `onboot`. Returns whether the node exists.
    pub async fn restart_node(&self, node: &str, downtime: Duration) -> bool {
        let mut nodes = self.core.config.scenario.nodes.iter();
        let Some(index) = nodes.position(|spec| spec.name == node) else {
            return false;
        };
        let is_first = index == 0;
        if is_first {
            self.presence.set(false).await;
        } else {
            self.set_node_online(node, false);
        }
        restart::stop(&self.core, node);
        let (core, presence, node) = (self.core.clone(), self.presence.clone(), node.to_owned());
        tokio::spawn(async move {
            tokio::select! {
                () = core.shutdown.cancelled() => return,
                () = tokio::time::sleep(downtime) => {}
            }
            restart::start(&core, &node);
            if is_first {
                presence.set(true).await;
            } else {
                core.edit_transient(|state| state.offline.remove(&node));
            }
        });
        true
    }

    /// Sets whether the cluster has quorum. Without it, write requests fail.
    pub fn set_quorum(&self, quorate: bool) {
        lock(&self.core.conditions).quorate = quorate;
    }

    /// Whether the cluster has quorum.
    pub fn is_quorate(&self) -> bool {
        self.core.is_quorate()
    }

    /// Sets the DHCP behavior for containers that start from now on.
    pub fn set_dhcp(&self, dhcp: Dhcp) {
        lock(&self.core.conditions).set_dhcp(dhcp);
    }

    /// The current DHCP behavior.
    pub fn dhcp(&self) -> Dhcp {
        lock(&self.core.conditions).dhcp()
    }

    /// Replaces the key and certificate, closes all existing connections, and returns the new
    /// fingerprint. `None` without TLS.
    ///
    /// # Errors
    /// If no certificate can be generated. The old one stays in use.
    pub fn renew_certificate(&self) -> Result<Option<String>, CertificateError> {
        let Some(tls) = &self.core.tls else {
            return Ok(None);
        };
        Ok(Some(tls.renew()?.fingerprint.clone()))
    }

    /// The fingerprint of the current certificate. `None` without TLS.
    pub fn fingerprint(&self) -> Option<String> {
        let tls = self.core.tls.as_ref()?;
        Some(tls.current().fingerprint.clone())
    }

    /// The current certificate as PEM. `None` without TLS.
    pub fn certificate(&self) -> Option<String> {
        let tls = self.core.tls.as_ref()?;
        Some(tls.current().pem.clone())
    }
}
