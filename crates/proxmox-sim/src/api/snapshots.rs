//! Snapshots of containers. As on a real node, the task checks whether the snapshot exists and
//! whether the storage supports snapshots.

use serde_json::{Value, json};

use super::{check_lock, container, container_mut};
use crate::cluster::container::{Container, Power, Snapshot, value_to_json};
use crate::cluster::core::now;
use crate::cluster::state::State;
use crate::cluster::storage::Storage;
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::schema::lxc;
use crate::tasks::{self, Run};

const RESERVED: [&str; 2] = ["current", "vzdump"];

/// Whether all disks of a container are on storages that support snapshots and linked clones.
pub(crate) fn supports_snapshots(state: &State, container: &Container) -> bool {
    disks(container).all(|volume| {
        let storage = volume.split(':').next().unwrap_or_default();
        let storage = state.storages.get(storage);
        storage.is_some_and(Storage::has_snapshots)
    })
}

/// The volume IDs of a container's disks.
pub(crate) fn disks(container: &Container) -> impl Iterator<Item = String> {
    let options = container.options.iter();
    options.filter_map(|(name, value)| {
        let object = if name == "rootfs" {
            lxc::rootfs()
        } else if crate::cluster::container::is_member(name, "mp") {
            lxc::mount_point()
        } else {
            return None;
        };
        object.parse(name, value).ok()?.remove("volume")
    })
}

fn missing(name: &str) -> String {
    format!("snapshot '{name}' does not exist")
}

/// `GET …/feature`: whether the container supports a feature.
pub(crate) fn feature(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let container = container(state, call.node(), call.params.vmid())?;
        let copies = call.params.text("feature") == "copy" && !container.is_running();
        let supported = copies || supports_snapshots(state, container);
        Ok(json!({ "hasFeature": u8::from(supported) }).into())
    })
}

/// `GET …/snapshot`: all snapshots, and the current state as an additional entry.
pub(crate) fn list(call: &Call) -> Result<ApiResponse> {
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
pub(crate) fn create(call: &Call) -> Result<ApiResponse> {
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
            if !supports_snapshots(state, container) {
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
pub(crate) fn delete(call: &Call) -> Result<ApiResponse> {
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
pub(crate) fn rollback(call: &Call) -> Result<ApiResponse> {
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
pub(crate) fn index(_: &Call) -> Result<ApiResponse> {
    let parts = ["rollback", "config"].map(|part| json!({ "subdir": part }));
    Ok(Value::from(parts.to_vec()).into())
}

/// `GET …/snapshot/{snapname}/config`.
pub(crate) fn show(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("snapname");
    call.core.read(|state| {
        let container = container(state, call.node(), call.params.vmid())?;
        let snapshot = container.snapshots.get(name).ok_or_else(|| missing(name))?;
        let options = snapshot.options.iter();
        let mut members: serde_json::Map<String, Value> = options
            .map(|(name, value)| (name.clone(), value_to_json(name, value)))
            .collect();
        members.insert("snaptime".into(), snapshot.time.into());
        members.insert("description".into(), snapshot.description.as_str().into());
        Ok(Value::Object(members).into())
    })
}

/// `PUT …/snapshot/{snapname}/config`: only the description can be changed.
pub(crate) fn update(call: &Call) -> Result<ApiResponse> {
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
