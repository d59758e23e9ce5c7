//! The request handlers, one module per area of the API. Handlers receive validated parameters,
//! read or change the state and return immediately. Operations that take time run as tasks.

pub(crate) mod access;
pub(crate) mod backup;
pub(crate) mod clone;
pub(crate) mod cluster;
pub(crate) mod config;
pub(crate) mod console;
pub(crate) mod create;
pub(crate) mod datacenter;
pub(crate) mod destroy;
pub(crate) mod images;
pub(crate) mod index;
pub(crate) mod migrate;
pub(crate) mod network;
pub(crate) mod node;
pub(crate) mod options;
pub(crate) mod power;
pub(crate) mod restore;
pub(crate) mod rrd;
pub(crate) mod snapshots;
pub(crate) mod storage;
pub(crate) mod storages;
pub(crate) mod suspend;
pub(crate) mod system;
pub(crate) mod tasks;
pub(crate) mod templates;
pub(crate) mod volumes;

use crate::access::auth;
use crate::cluster::container::Container;
use crate::cluster::state::State;
use crate::error::{ApiError, Result};
use crate::routes::Call;
use crate::tasks::TaskSpec;

impl Call {
    /// The name of the node in the URL. `localhost` is the node that serves the request.
    pub(crate) fn node(&self) -> &str {
        let name = self.params.text("node");
        self.core.node(name).map_or(name, |node| node.name.as_str())
    }

    /// Whether the caller has a privilege at a path.
    pub(crate) fn has_privilege(&self, state: &State, path: &str, privilege: &str) -> bool {
        auth::has_privilege(&state.directory, &self.caller, path, privilege)
    }

    /// Whether the caller may see a storage.
    pub(crate) fn can_see_storage(&self, state: &State, name: &str) -> bool {
        let path = format!("/storage/{name}");
        ["Datastore.Audit", "Datastore.AllocateSpace"]
            .iter()
            .any(|privilege| self.has_privilege(state, &path, privilege))
    }

    /// A task specification for the node in the URL.
    pub(crate) fn spec<'a>(&'a self, kind: &'static str, id: &'a str) -> TaskSpec<'a> {
        TaskSpec {
            node: self.node(),
            kind,
            id,
            caller: &self.caller,
            failure: self.failure.clone(),
        }
    }
}

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

/// Fails if the configuration has changed since the caller read it.
pub(crate) fn check_digest(call: &Call, container: &Container) -> Result<()> {
    match call
        .params
        .get("digest")
        .filter(|digest| !digest.is_empty())
    {
        Some(digest) if digest != container.digest() => Err(ApiError::failed(
            "detected modified configuration - file changed by other user? Try again.",
        )),
        _ => Ok(()),
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
