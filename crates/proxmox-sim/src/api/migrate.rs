//! Migrating containers to other nodes and moving their volumes to other storages.

use serde_json::{Map, Value, json};

use super::{check_lock, container, container_mut, volumes};
use crate::cluster::container::{Power, is_member};
use crate::cluster::state::Kind;
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::schema::lxc;
use crate::tasks::{self, Run};

/// `GET …/migrate`: the possible target nodes.
pub(crate) fn show(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let container = container(state, call.node(), call.params.vmid())?;
        let others = call.core.config.scenario.nodes.iter();
        let allowed: Vec<&str> = others
            .map(|node| node.name.as_str())
            .filter(|name| *name != container.node && !state.offline.contains(*name))
            .collect();
        Ok(json!({
            "running": u8::from(container.is_running()),
            "allowed-nodes": allowed,
            "not-allowed-nodes": Map::<String, Value>::new(),
        })
        .into())
    })
}

/// `POST …/migrate`. A running container is restarted on the target if `restart` is set.
pub(crate) fn migrate(call: &Call) -> Result<ApiResponse> {
    let (vmid, target) = (call.params.vmid(), call.params.text("target").to_owned());
    if target == call.node() {
        return Err(ApiError::parameter("target", "target is local node."));
    }
    if call.core.node(&target).is_none() {
        return Err(ApiError::Failed(format!("no such cluster node '{target}'")));
    }
    let restarts = call.params.flag("restart");
    call.core.read(|state| {
        let container = container(state, call.node(), vmid)?;
        if container.is_running() && !restarts && !call.params.flag("online") {
            let message = "can't migrate running container without --online or --restart";
            return Err(ApiError::failed(message));
        }
        Ok(())
    })?;
    let id = vmid.to_string();
    let spec = call.spec("vzmigrate", &id);
    let work = move |run: Run| async move { migrate_work(run, vmid, target, restarts).await };
    Ok(tasks::start(&call.core, &spec, work).into())
}

async fn migrate_work(
    run: Run,
    vmid: u32,
    target: String,
    restarts: bool,
) -> std::result::Result<(), String> {
    let _lock = run.core.lock_config(vmid).await?;
    run.core.read(|state| {
        let container = container(state, &run.node, vmid)?;
        check_lock(container)?;
        if state.offline.contains(&target) {
            return Err(format!("node '{target}' is not online"));
        }
        if container.is_running() && !restarts {
            return Err("lxc live migration is currently not implemented".to_owned());
        }
        Ok(())
    })?;
    run.log(format!(
        "starting migration of CT {vmid} to node '{target}'"
    ));
    run.pause(run.core.config.delays.create).await?;
    run.core.edit(|state| {
        let container = container_mut(state, &run.node, vmid)?;
        container.node.clone_from(&target);
        if let Power::Running { since, .. } = &mut container.power {
            *since = u64::try_from(crate::cluster::core::now().as_millis()).unwrap_or_default();
        }
        for volume in &mut state.volumes {
            if volume.kind == (Kind::Disk { vmid }) {
                volume.node.clone_from(&target);
            }
        }
        Ok(())
    })
}

/// `POST …/move_volume`: moves a volume to another storage.
pub(crate) fn move_volume(call: &Call) -> Result<ApiResponse> {
    const NEITHER: &str = "both 'storage' and 'target-vmid' missing, either needs to be set";
    let params = &call.params;
    let vmid = params.vmid();
    let (Some(storage), None) = (params.get("storage"), params.get("target-vmid")) else {
        let names = ["storage", "target-vmid"].map(|name| (name.to_owned(), NEITHER.to_owned()));
        return Err(ApiError::Parameters(names.into()));
    };
    call.core
        .read(|state| volumes::container_storage(state, call.node(), storage).map(drop))?;
    let (option, storage) = (params.text("volume").to_owned(), storage.to_owned());
    call.core.read(|state| {
        let container = container(state, call.node(), vmid)?;
        check_lock(container)?;
        if container.option(&option).is_none() {
            let message = format!("volume '{option}' does not exist");
            return Err(ApiError::Failed(message));
        }
        Ok(())
    })?;
    let id = vmid.to_string();
    let spec = call.spec("move_volume", &id);
    let work = move |run: Run| async move { move_work(run, vmid, option, storage).await };
    Ok(tasks::start(&call.core, &spec, work).into())
}

async fn move_work(
    run: Run,
    vmid: u32,
    option: String,
    storage: String,
) -> std::result::Result<(), String> {
    let _lock = run.core.lock_config(vmid).await?;
    run.pause(run.core.config.delays.create).await?;
    run.core.edit(|state| {
        let object = if is_member(&option, "mp") {
            lxc::mount_point()
        } else {
            lxc::rootfs()
        };
        let value = container(state, &run.node, vmid)?
            .option(&option)
            .unwrap_or_default();
        let mut parts = object.parse(&option, value)?;
        let old = parts.get("volume").cloned().unwrap_or_default();
        let size = state
            .volume(&run.node, &old)
            .map_or(0, |volume| volume.size);
        let id = volumes::allocate(state, &run.node, vmid, (&storage, size))?;
        parts.insert("volume".into(), id);
        state.remove_volumes(|volume| volume.node == run.node && volume.id() == old);
        let container = container_mut(state, &run.node, vmid)?;
        container.options.insert(option, object.write(&parts));
        Ok(())
    })
}
