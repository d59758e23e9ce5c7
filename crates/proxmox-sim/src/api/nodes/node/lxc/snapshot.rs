//! `/nodes/{node}/lxc/{vmid}/snapshot`. As on a real node, the task checks whether the snapshot
//! exists and whether the storage supports snapshots.

use serde_json::{Value, json};

use super::with_address;
use crate::call::{ApiResponse, Call};
use crate::clock::now;
use crate::cluster::container::{Power, Snapshot};
use crate::cluster::lookup::{check_lock, container, container_mut};
use crate::cluster::volumes;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{Property, boolean, lxc, named, text};
use crate::tasks::{self, Run};

const RESERVED: [&str; 2] = ["current", "vzdump"];

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let all = "/nodes/{node}/lxc/{vmid}/snapshot";
    let item = "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}";
    let config = "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config";
    let rollback_path = "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback";
    let with_description = || with_name(vec![text("description")]);
    let vms = "/vms/{vmid}";
    let privilege: &[&str] = &["VM.Snapshot"];
    vec![
        Route::new("GET", all, lxc::address(), list).every(vms, &["VM.Audit"]),
        Route::new("POST", all, with_description(), create).every(vms, privilege),
        Route::new("GET", item, with_name(vec![]), index),
        Route::new("DELETE", item, with_name(vec![boolean("force")]), delete).every(vms, privilege),
        Route::new("GET", config, with_name(vec![]), show)
            .any(vms, &["VM.Snapshot", "VM.Snapshot.Rollback", "VM.Audit"]),
        Route::new("PUT", config, with_description(), update).every(vms, privilege),
        Route::new(
            "POST",
            rollback_path,
            with_name(vec![boolean("start")]),
            rollback,
        )
        .any(vms, &["VM.Snapshot", "VM.Snapshot.Rollback"]),
    ]
}

/// Adds the node, VMID and snapshot name of the path to the properties.
fn with_name(more: Vec<Property>) -> Vec<Property> {
    let name = text("snapname")
        .format(named::CONFIG_ID)
        .length(0, 40)
        .required();
    with_address(std::iter::once(name).chain(more).collect())
}

/// The error of Proxmox for a snapshot that does not exist.
pub(super) fn missing(name: &str) -> String {
    format!("snapshot '{name}' does not exist")
}

/// `GET …/snapshot`: all snapshots, and the current state as an additional entry.
fn list(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let container = container(state, call.node(), call.params.vmid())?;
        let mut entries: Vec<Value> = container
            .snapshots
            .iter()
            .map(|(name, snapshot)| {
                let mut entry = json!({
                    "name": name,
                    "description": snapshot.description,
                    "snaptime": snapshot.time,
                });
                add_parent(&mut entry, snapshot.parent.as_deref());
                entry
            })
            .collect();
        let mut current = json!({
            "name": "current",
            "description": "You are here!",
            "digest": container.digest(),
            "running": u8::from(container.is_running()),
        });
        add_parent(&mut current, container.parent.as_deref());
        entries.push(current);
        Ok(Value::from(entries).into())
    })
}

fn add_parent(entry: &mut Value, parent: Option<&str>) {
    if let (Some(members), Some(parent)) = (entry.as_object_mut(), parent) {
        members.insert("parent".into(), parent.into());
    }
}

/// `POST …/snapshot`.
fn create(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("snapname").to_owned();
    if RESERVED.contains(&name.as_str()) {
        let message = format!("unable to use snapshot name '{name}' (reserved name)");
        return Err(ApiError::Failed(message));
    }
    let description = call.params.text("description").to_owned();
    Ok(run(call, "vzsnapshot", |run, vmid| async move {
        let _lock = run.core.lock_config(vmid).await?;
        run.core.read(|state| {
            let container = container(state, &run.node, vmid)?;
            check_lock(container)?;
            if container.snapshots.contains_key(&name) {
                return Err(format!("snapshot name '{name}' already used"));
            }
            if !volumes::supports_snapshots(state, container) {
                return Err("snapshot feature is not available".to_owned());
            }
            Ok(())
        })?;
        run.pause(run.core.config.delays.stop).await?;
        run.core.edit(|state| {
            let container = container_mut(state, &run.node, vmid)?;
            let snapshot = Snapshot {
                options: container.options.clone(),
                description,
                time: now().as_secs(),
                parent: container.parent.replace(name.clone()),
            };
            container.snapshots.insert(name, snapshot);
            Ok(())
        })
    }))
}

fn run<F>(call: &Call, kind: &'static str, work: impl FnOnce(Run, u32) -> F) -> ApiResponse
where
    F: Future<Output = std::result::Result<(), String>> + Send + 'static,
{
    let vmid = call.params.vmid();
    let id = vmid.to_string();
    tasks::start(&call.core, &call.spec(kind, &id), |run| work(run, vmid)).into()
}

/// `DELETE …/snapshot/{snapname}`.
fn delete(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("snapname").to_owned();
    Ok(run(call, "vzdelsnapshot", |run, vmid| async move {
        let _lock = run.core.lock_config(vmid).await?;
        run.pause(run.core.config.delays.stop).await?;
        run.core.edit(|state| {
            let container = container_mut(state, &run.node, vmid)?;
            let removed = container
                .snapshots
                .remove(&name)
                .ok_or_else(|| missing(&name))?;
            let children = container
                .snapshots
                .values_mut()
                .map(|child| &mut child.parent);
            for parent in children.chain([&mut container.parent]) {
                if parent.as_deref() == Some(&name) {
                    parent.clone_from(&removed.parent);
                }
            }
            Ok(())
        })
    }))
}

/// `POST …/snapshot/{snapname}/rollback`.
fn rollback(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("snapname").to_owned();
    Ok(run(call, "vzrollback", |run, vmid| async move {
        let _lock = run.core.lock_config(vmid).await?;
        run.core.read(|state| {
            let container = container(state, &run.node, vmid)?;
            let found = container.snapshots.contains_key(&name);
            found.then_some(()).ok_or_else(|| missing(&name))
        })?;
        run.pause(run.core.config.delays.stop).await?;
        run.core.edit(|state| {
            let container = container_mut(state, &run.node, vmid)?;
            let snapshot = container
                .snapshots
                .get(&name)
                .ok_or_else(|| missing(&name))?;
            container.options.clone_from(&snapshot.options);
            container.pending.clear();
            container.parent = Some(name);
            container.power = Power::Stopped;
            Ok(())
        })
    }))
}

/// `GET …/snapshot/{snapname}`: the subdirectories.
fn index(_: &Call) -> Result<ApiResponse> {
    let parts = ["rollback", "config"].map(|part| json!({ "subdir": part }));
    Ok(Value::from(parts.to_vec()).into())
}

/// `GET …/snapshot/{snapname}/config`.
fn show(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("snapname");
    call.core.read(|state| {
        let container = container(state, call.node(), call.params.vmid())?;
        let snapshot = container.snapshots.get(name).ok_or_else(|| missing(name))?;
        Ok(Value::Object(snapshot.to_json()).into())
    })
}

/// `PUT …/snapshot/{snapname}/config`: only the description can be changed.
fn update(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("snapname");
    call.core.edit(|state| {
        let container = container_mut(state, call.node(), call.params.vmid())?;
        let snapshot = container
            .snapshots
            .get_mut(name)
            .ok_or_else(|| missing(name))?;
        if let Some(description) = call.params.get("description") {
            description.clone_into(&mut snapshot.description);
        }
        Ok(ApiResponse::null())
    })
}
