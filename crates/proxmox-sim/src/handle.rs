//! What tests do behind the API's back: look inside, change things, break things.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use crate::conditions::Dhcp;
use crate::config::ContainerSpec;
use crate::container::{Container, Power};
use crate::container_http::ContainerHttp;
use crate::core::{Core, lock};
use crate::fault::Fault;
use crate::oci;
use crate::persist;
use crate::server::Presence;
use crate::state::{Kind, Seen, Volume};
use crate::tls::CertificateError;
use crate::{api, restart};

/// A container as it is, for assertions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerView {
    /// Its number.
    pub vmid: u32,
    /// The node that it is on.
    pub node: String,
    /// Its host name.
    pub name: String,
    /// Whether it runs.
    pub running: bool,
    /// What its configuration is locked with.
    pub lock: Option<String>,
    /// Its options as they apply now, in Proxmox's own words.
    pub options: BTreeMap<String, String>,
    /// Addresses from DHCP, by option name (`net0`).
    pub leases: BTreeMap<String, Ipv4Addr>,
    /// The number of its first process, another one after each start; none when it is stopped.
    pub pid: Option<u32>,
    /// The template's file or the image's reference that it was made of, as far as that is known.
    pub source: Option<String>,
}

/// Addresses with their prefix lengths, by the hardware address of the interface.
pub type Interfaces = BTreeMap<String, Vec<(IpAddr, u8)>>;

/// Why interfaces were not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unseen {
    /// There is nothing to be seen.
    #[error("container {0} is not running")]
    NotRunning(u32),
    /// It is not the container's.
    #[error("container {vmid} has no interface with the hardware address {mac}")]
    NoInterface {
        /// The container.
        vmid: u32,
        /// The hardware address.
        mac: String,
    },
}

impl From<&Container> for ContainerView {
    fn from(container: &Container) -> Self {
        Self {
            vmid: container.vmid,
            node: container.node.clone(),
            name: container.name(),
            running: container.is_running(),
            lock: container.option("lock").map(str::to_owned),
            options: container.options.clone(),
            leases: container.leases.clone(),
            pid: container.pid(),
            source: container.source.clone(),
        }
    }
}

/// The hold on a running simulator that does not go through its API.
pub struct Handle {
    core: Arc<Core>,
    presence: Presence,
}

impl Handle {
    pub(crate) fn new(core: Arc<Core>, presence: Presence) -> Self {
        Self { core, presence }
    }

    /// All containers, half-made ones too, in the order of their numbers.
    pub fn containers(&self) -> Vec<ContainerView> {
        self.core
            .read(|state| state.containers.values().map(ContainerView::from).collect())
    }

    /// One container.
    pub fn container(&self, vmid: u32) -> Option<ContainerView> {
        self.core
            .read(|state| state.containers.get(&vmid).map(ContainerView::from))
    }

    /// HTTP to the containers.
    pub fn container_http(&self) -> ContainerHttp {
        ContainerHttp::new(self.core.clone())
    }

    /// Makes the cluster so many times faster than its configuration says.
    pub fn set_speed(&self, speed: u32) {
        self.core.set_speed(speed);
    }

    /// How often containers and what belongs to them were changed. The number says nothing but
    /// whether it is another one.
    pub fn version(&self) -> u64 {
        *self.core.version.borrow()
    }

    /// Waits until the version is another one than `known`, or the simulator stops.
    pub async fn changed(&self, known: u64) {
        let mut versions = self.core.version.subscribe();
        tokio::select! {
            () = self.core.shutdown.cancelled() => {}
            // The sender is in the core, which outlives this.
            _ = versions.wait_for(|version| *version != known) => {}
        }
    }

    /// Says what a container's own host sees of its interfaces. It is shown, and no address is made
    /// up any more, until the container starts anew.
    ///
    /// # Errors
    /// When the container does not run or an interface is not its own.
    pub fn see_interfaces(&self, vmid: u32, interfaces: &Interfaces) -> Result<(), Unseen> {
        let lower = |(mac, all): (&String, &Vec<_>)| (mac.to_ascii_lowercase(), all.clone());
        let addresses: Interfaces = interfaces.iter().map(lower).collect();
        self.core.edit_passing(|state| {
            let container = state.containers.get(&vmid);
            let found = container.and_then(|container| Some((container, container.pid()?)));
            let (container, pid) = found.ok_or(Unseen::NotRunning(vmid))?;
            let macs: Vec<String> = container
                .networks()
                .filter_map(|(_, parts)| Some(parts.get("hwaddr")?.to_ascii_lowercase()))
                .collect();
            if let Some(mac) = addresses.keys().find(|mac| !macs.contains(mac)) {
                let mac = mac.clone();
                return Err(Unseen::NoInterface { vmid, mac });
            }
            state.seen.insert(vmid, Seen { pid, addresses });
            Ok(())
        })
    }

    /// The ids of all volumes on a node, such as `local-lvm:vm-100-disk-0`.
    pub fn volumes(&self, node: &str) -> Vec<String> {
        self.core.read(|state| {
            let volumes = state.volumes.iter().filter(|volume| volume.node == node);
            volumes.map(crate::state::Volume::id).collect()
        })
    }

    /// How often each call came, by method and path behind `/api2/json`: `GET /nodes`. Tasks count
    /// together: `GET /nodes/pve1/tasks/{upid}/status`.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        lock(&self.core.requests).clone()
    }

    /// Makes a container as somebody else would, at once. Says whether its number was free.
    pub fn add_container(&self, spec: &ContainerSpec) -> bool {
        let created = crate::core::now().as_secs();
        self.core.edit(|state| {
            let free = !state.containers.contains_key(&spec.vmid);
            if free {
                persist::add_container(state, &self.core.config, spec, created);
                if spec.running {
                    api::node::lease_addresses(&self.core, state, spec.vmid);
                }
            }
            free
        })
    }

    /// Takes a container and its disks away, whatever it is doing. Says whether it was there.
    pub fn remove_container(&self, vmid: u32) -> bool {
        self.core.edit(|state| {
            state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
            state.containers.remove(&vmid).is_some()
        })
    }

    /// Stops a container at once. Says whether it ran.
    pub fn stop_container(&self, vmid: u32) -> bool {
        self.core.edit(|state| {
            state.containers.get_mut(&vmid).is_some_and(|container| {
                std::mem::replace(&mut container.power, Power::Stopped) != Power::Stopped
            })
        })
    }

    /// Locks a container's configuration, as a backup would (`backup`), or unlocks it. Says
    /// whether the container was there.
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

    /// Holds the lock of a container's configuration for a time, as another program would: calls
    /// and tasks that need it wait, at most [`crate::Config::lock_timeout`]. Says whether it was
    /// free in that time.
    pub async fn hold_lock(&self, vmid: u32, time: Duration) -> bool {
        let Ok(held) = self.core.lock_config(vmid).await else {
            return false;
        };
        let shutdown = self.core.shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(time) => {}
            }
            drop(held);
        });
        true
    }

    /// Whether there is a node of that name.
    pub fn has_node(&self, node: &str) -> bool {
        let nodes = &self.core.config.scenario.nodes;
        nodes.iter().any(|spec| spec.name == node)
    }

    /// Moves a container and its disks to another node, at once and whatever it is doing. Says
    /// whether both are there.
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

    /// Gives a container another host name. Says whether it was there.
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

    /// Puts an image onto a node's storage as if it had been pulled. Says whether the catalogue
    /// has it.
    pub fn add_image(&self, node: &str, reference: &str, file: &str) -> bool {
        let catalogue = &self.core.config.scenario.images;
        let Some(image) = oci::find(catalogue, reference).cloned() else {
            return false;
        };
        let Some(storage) = self.core.config.scenario.storage_for("vztmpl") else {
            return false;
        };
        self.core
            .edit(|state| oci::store(state, node, &storage.name, file, image));
        true
    }

    /// Cuts a node off from the others, or brings it back. Calls that concern it answer 595.
    pub fn set_node_online(&self, node: &str, online: bool) {
        self.core.edit_passing(|state| {
            if online {
                state.offline.remove(node);
            } else {
                state.offline.insert(node.to_owned());
            }
        });
    }

    /// Lets something go wrong with the next call that fits.
    pub fn inject(&self, fault: Fault) {
        lock(&self.core.faults).push(fault);
    }

    /// Forgets all faults that have not hit yet.
    pub fn clear_faults(&self) {
        lock(&self.core.faults).clear();
    }

    /// The faults that have not hit yet, in their order.
    pub fn faults(&self) -> Vec<Fault> {
        lock(&self.core.faults).all().cloned().collect()
    }

    /// How many faults have not hit yet.
    pub fn faults_left(&self) -> usize {
        lock(&self.core.faults).len()
    }

    /// Closes the listener and all connections, so that connecting is refused. Tasks go on.
    pub async fn go_away(&self) {
        self.presence.set(false).await;
    }

    /// Listens again, on the same port.
    pub async fn come_back(&self) {
        self.presence.set(true).await;
    }

    /// Lets a node lose power and start again: see [`Handle::come_back`] for the node that is
    /// talked to. Gives its answer when the node is away; it is back after `away`. Its tasks have
    /// no end (`unexpected status`), what was half made stays, locks included, and its containers
    /// are off until it is back and starts those with `onboot`. Says whether there is such a node.
    pub async fn restart(&self, node: &str, away: Duration) -> bool {
        let mut nodes = self.core.config.scenario.nodes.iter();
        let Some(index) = nodes.position(|spec| spec.name == node) else {
            return false;
        };
        let talked_to = index == 0;
        if talked_to {
            self.presence.set(false).await;
        } else {
            self.set_node_online(node, false);
        }
        restart::stop(&self.core, node);
        let (core, presence, node) = (self.core.clone(), self.presence.clone(), node.to_owned());
        tokio::spawn(async move {
            tokio::select! {
                () = core.shutdown.cancelled() => return,
                () = tokio::time::sleep(away) => {}
            }
            restart::start(&core, &node);
            if talked_to {
                presence.set(true).await;
            } else {
                core.edit_passing(|state| state.offline.remove(&node));
            }
        });
        true
    }

    /// Takes the quorum away or gives it back. Without it, whatever writes is refused.
    pub fn set_quorum(&self, quorate: bool) {
        lock(&self.core.conditions).quorate = quorate;
    }

    /// Whether there is a quorum.
    pub fn is_quorate(&self) -> bool {
        self.core.is_quorate()
    }

    /// Says how DHCP behaves towards containers that start from now on.
    pub fn set_dhcp(&self, dhcp: Dhcp) {
        lock(&self.core.conditions).set_dhcp(dhcp);
    }

    /// How DHCP behaves.
    pub fn dhcp(&self) -> Dhcp {
        lock(&self.core.conditions).dhcp()
    }

    /// Puts another key and certificate in place, closes the connections made with the old one,
    /// and gives the new fingerprint. None without TLS.
    ///
    /// # Errors
    /// When no certificate can be made; the old one stays.
    pub fn renew_certificate(&self) -> Result<Option<String>, CertificateError> {
        let Some(tls) = &self.core.tls else {
            return Ok(None);
        };
        Ok(Some(tls.renew()?.fingerprint.clone()))
    }

    /// The fingerprint of the certificate that is shown now. None without TLS.
    pub fn fingerprint(&self) -> Option<String> {
        let tls = self.core.tls.as_ref()?;
        Some(tls.current().fingerprint.clone())
    }

    /// The certificate that is shown now, as PEM. None without TLS.
    pub fn certificate(&self) -> Option<String> {
        let tls = self.core.tls.as_ref()?;
        Some(tls.current().pem.clone())
    }
}
