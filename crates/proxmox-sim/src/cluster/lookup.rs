//! Finding containers, and checks with the error messages of Proxmox.

use crate::cluster::container::Container;
use crate::cluster::state::State;
use crate::error::{ApiError, Result};

/// The error of Proxmox for a container that does not exist.
pub(crate) fn missing(node: &str, vmid: u32) -> String {
    format!("Configuration file 'nodes/{node}/lxc/{vmid}.conf' does not exist")
}

/// Returns a container of a node, or the error of Proxmox if it does not exist.
pub(crate) fn container<'a>(
    state: &'a State,
    node: &str,
    vmid: u32,
) -> std::result::Result<&'a Container, String> {
    let found = state
        .containers
        .get(&vmid)
        .filter(|container| container.node == node);
    found.ok_or_else(|| missing(node, vmid))
}

/// Like [`container`], but mutable.
pub(crate) fn container_mut<'a>(
    state: &'a mut State,
    node: &str,
    vmid: u32,
) -> std::result::Result<&'a mut Container, String> {
    let found = state
        .containers
        .get_mut(&vmid)
        .filter(|container| container.node == node);
    found.ok_or_else(|| missing(node, vmid))
}

/// Fails if the VMID is in use.
pub(crate) fn check_vmid(state: &State, vmid: u32) -> Result<()> {
    match state.containers.get(&vmid) {
        Some(other) => Err(ApiError::Failed(format!(
            "CT {vmid} already exists on node '{}'",
            other.node
        ))),
        None => Ok(()),
    }
}

/// Fails if the container is locked.
pub(crate) fn check_lock(container: &Container) -> std::result::Result<(), String> {
    match container.option("lock") {
        Some(reason) => Err(format!("CT is locked ({reason})")),
        None => Ok(()),
    }
}

/// Fails if the container has no architecture. Proxmox accepts such a configuration and then fails
/// to read it.
pub(crate) fn check_arch(container: &Container) -> std::result::Result<(), String> {
    match container.option("arch") {
        Some(_) => Ok(()),
        None => {
            Err("missing 'arch' - internal error at /usr/share/perl5/PVE/LXC.pm line 729.".into())
        }
    }
}
