//! `/nodes/{node}/lxc`. Creation checks its request in `create.rs` and, for a backup, in
//! `restore.rs`.

mod clone;
mod config;
mod create;
mod feature;
mod firewall;
mod interfaces;
mod migrate;
mod move_volume;
mod pending;
mod resize;
mod restore;
mod rrddata;
mod snapshot;
mod status;
mod template;
mod termproxy;
mod vncproxy;
mod vncwebsocket;

use serde_json::Value;

use crate::api::index_entries;
use crate::call::{ApiResponse, Call};
use crate::cluster::lookup::{check_lock, container};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{Property, boolean, lxc};
use crate::tasks::{self, destroy};
use status::live;

/// The routes of this level and below.
pub(super) fn routes() -> Vec<Route> {
    let (all, item) = ("/nodes/{node}/lxc", "/nodes/{node}/lxc/{vmid}");
    let deletion = with_address(vec![
        boolean("destroy-unreferenced-disks"),
        boolean("force"),
        boolean("purge"),
    ]);
    let mut routes = vec![
        Route::new("GET", all, vec![lxc::node()], list),
        Route::new("POST", all, lxc::create(), create::create),
        Route::new("GET", item, lxc::address(), index),
        Route::new("DELETE", item, deletion, delete)
            .every("/vms/{vmid}", &["VM.Allocate"])
            .locking(),
    ];
    routes.extend(clone::routes());
    routes.extend(config::routes());
    routes.extend(feature::routes());
    routes.extend(firewall::routes());
    routes.extend(interfaces::routes());
    routes.extend(migrate::routes());
    routes.extend(move_volume::routes());
    routes.extend(pending::routes());
    routes.extend(resize::routes());
    routes.extend(rrddata::routes());
    routes.extend(snapshot::routes());
    routes.extend(status::routes());
    routes.extend(template::routes());
    routes.extend(termproxy::routes());
    routes.extend(vncproxy::routes());
    routes.extend(vncwebsocket::routes());
    routes
}

/// Adds the node and VMID of the path to the properties.
pub(crate) fn with_address(more: Vec<Property>) -> Vec<Property> {
    let mut properties = lxc::address();
    properties.extend(more);
    properties
}

/// `GET /nodes/{node}/lxc`.
fn list(call: &Call) -> Result<ApiResponse> {
    let entries = call.core.read(|state| {
        let containers = state
            .containers
            .values()
            .filter(|container| container.node == call.node())
            .filter(|container| {
                call.has_privilege(state, &format!("/vms/{}", container.vmid), "VM.Audit")
            });
        containers
            .map(|container| live(call, container))
            .collect::<Vec<Value>>()
    });
    Ok(Value::from(entries).into())
}

/// Fails if the container in the URL does not exist, and returns the names of its subdirectories.
pub(super) fn container_index(call: &Call, names: &[&str]) -> Result<ApiResponse> {
    let vmid = call.params.vmid();
    call.core
        .read(|state| container(state, call.node(), vmid).map(drop))?;
    Ok(index_entries("subdir", names))
}

/// `GET /nodes/{node}/lxc/{vmid}`.
fn index(call: &Call) -> Result<ApiResponse> {
    const NAMES: [&str; 12] = [
        "config",
        "pending",
        "status",
        "vncproxy",
        "termproxy",
        "vncwebsocket",
        "migrate",
        "clone",
        "rrddata",
        "snapshot",
        "resize",
        "interfaces",
    ];
    container_index(call, &NAMES)
}

/// `DELETE /nodes/{node}/lxc/{vmid}`. Existence, lock, protection and power state are checked
/// before the task starts.
fn delete(call: &Call) -> Result<ApiResponse> {
    let vmid = call.params.vmid();
    let force = call.params.flag("force");
    call.core.read(|state| {
        let container = container(state, call.node(), vmid)?;
        check_lock(container)?;
        if container.flag("protection") {
            return Err(ApiError::Failed(format!(
                "can't remove CT {vmid} - protection mode enabled"
            )));
        }
        if container.is_running() && !force {
            return Err(ApiError::Failed(format!(
                "unable to destroy CT {vmid} - container is running"
            )));
        }
        Ok(())
    })?;
    let id = vmid.to_string();
    Ok(
        tasks::start(&call.core, &call.spec("vzdestroy", &id), move |run| {
            destroy::work(run, vmid)
        })
        .into(),
    )
}
