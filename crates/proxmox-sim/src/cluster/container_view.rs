//! The public view of a container, for tests and the control API.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::cluster::container::Container;

/// The current state of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerView {
    /// VMID.
    pub vmid: u32,
    /// Node.
    pub node: String,
    /// Hostname.
    pub name: String,
    /// Whether it is running.
    pub running: bool,
    /// The lock of its configuration, such as `backup`.
    pub lock: Option<String>,
    /// Its active options, in the format of Proxmox.
    pub options: BTreeMap<String, String>,
    /// DHCP leases by option name (`net0`).
    pub leases: BTreeMap<String, Ipv4Addr>,
    /// PID of the init process, different after each start; `None` if stopped.
    pub pid: Option<u32>,
    /// The template file or image reference that it was created from, if known.
    pub template_or_image: Option<String>,
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
            template_or_image: container.template_or_image.clone(),
        }
    }
}
