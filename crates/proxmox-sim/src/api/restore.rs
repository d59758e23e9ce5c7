//! Restoring containers from backups.

use std::collections::BTreeMap;

use super::{check_lock, container, container_mut, create, options, volumes};
use crate::access::auth::{Caller, require_privilege};
use crate::cluster::container::{Container, is_member};
use crate::cluster::state::{Kind, State};
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::schema::lxc;
use crate::size;
use crate::tasks::{self, Run};

/// The parameters of a restore.
struct Restore {
    vmid: u32,
    archive: String,
    storage: Option<String>,
    sent: BTreeMap<String, String>,
    unique: bool,
    start: bool,
    caller: Caller,
}

/// `POST /nodes/{node}/lxc` with `restore=1`. With `force` it replaces an existing stopped
/// container.
pub(crate) fn restore(call: &Call, archive: String) -> Result<ApiResponse> {
    let params = &call.params;
    let vmid = params.vmid();
    let sent = params
        .iter()
        .filter(|(name, _)| lxc::config().find(name).is_some())
        .filter(|(name, _)| *name != "rootfs" && !is_member(name, "mp"))
        .map(|(name, value)| Ok((name.to_owned(), options::normalize(name, value)?)))
        .collect::<Result<BTreeMap<_, _>>>()?;
    let restore = Restore {
        vmid,
        archive,
        storage: params.get("storage").map(str::to_owned),
        sent,
        unique: params.flag("unique"),
        start: params.flag("start"),
        caller: call.caller.clone(),
    };
    call.core.edit(|state| {
        if let Some(storage) = &restore.storage {
            let path = format!("/storage/{storage}");
            require_privilege(
                &state.directory,
                &call.caller,
                &path,
                &["Datastore.AllocateSpace"],
            )?;
            volumes::container_storage(state, call.node(), storage)?;
        }
        match container(state, call.node(), vmid) {
            Ok(old) if params.flag("force") => {
                check_lock(old)?;
                if old.is_running() {
                    let message = "unable to restore: container is running";
                    return Err(ApiError::failed(message));
                }
            }
            _ => super::check_vmid(state, vmid)?,
        }
        let mut stub = Container::new(vmid, call.node());
        stub.options.insert("lock".into(), "create".into());
        state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
        state.containers.insert(vmid, stub);
        Ok(())
    })?;
    let id = vmid.to_string();
    let spec = call.spec("vzrestore", &id);
    Ok(tasks::start(&call.core, &spec, |run| restore_work(run, restore)).into())
}

async fn restore_work(run: Run, restore: Restore) -> std::result::Result<(), String> {
    let vmid = restore.vmid;
    let paused = run.pause(run.core.config.delays.create).await;
    let result = run.core.edit(|state| {
        paused?;
        unpack(state, &run, &restore)
    });
    if let Err(problem) = result {
        run.core.edit(|state| {
            state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
            state.remove_container(vmid);
        });
        return Err(format!("unable to restore CT {vmid} - {problem}"));
    }
    run.log(format!(
        "recovering backed-up configuration from '{}'",
        restore.archive
    ));
    create::start_if(&run, &restore.caller, vmid, restore.start);
    Ok(())
}

fn unpack(state: &mut State, run: &Run, restore: &Restore) -> std::result::Result<(), String> {
    let found = state.volume(&run.node, &restore.archive);
    let archive = match found.map(|volume| &volume.kind) {
        Some(Kind::Backup(archive)) => archive.as_ref().clone(),
        _ => return Err(format!("volume '{}' does not exist", restore.archive)),
    };
    let mut restored = archive.options;
    restored.remove("lock");
    restored.remove("template");
    for (name, value) in &mut restored {
        let object = match name.as_str() {
            "rootfs" => lxc::rootfs(),
            name if is_member(name, "mp") => lxc::mount_point(),
            _ => continue,
        };
        let mut parts = object.parse(name, value)?;
        let old = parts.get("volume").cloned().unwrap_or_default();
        let storage = match &restore.storage {
            Some(storage) => storage.as_str(),
            None => old.split(':').next().unwrap_or_default(),
        };
        let bytes = parts.get("size").and_then(|size| size::parse(size));
        let requested = (storage, bytes.unwrap_or(4 << 30));
        let id = volumes::allocate(state, &run.node, restore.vmid, requested)?;
        parts.insert("volume".into(), id);
        *value = object.write(&parts);
    }
    restored.extend(restore.sent.clone());
    if restore.unique {
        for (name, value) in &mut restored {
            if let Ok(mut parts) = lxc::network().parse(name, value)
                && is_member(name, "net")
            {
                parts.remove("hwaddr");
                let written = lxc::network().write(&parts);
                *value = options::normalize(name, &written).unwrap_or(written);
            }
        }
    }
    let container = container_mut(state, &run.node, restore.vmid)?;
    (container.options, container.raw) = (restored, archive.raw);
    Ok(())
}
