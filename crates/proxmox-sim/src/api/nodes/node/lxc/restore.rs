//! `POST /nodes/{node}/lxc` with `restore=1`: restoring containers from backups.

use std::collections::BTreeMap;

use crate::access::auth::require_privilege;
use crate::call::{ApiResponse, Call};
use crate::cluster::container::{Container, is_member};
use crate::cluster::lookup::{check_lock, check_vmid, container};
use crate::cluster::state::Kind;
use crate::cluster::{options, volumes};
use crate::error::{ApiError, Result};
use crate::schema::lxc;
use crate::tasks;
use crate::tasks::restore::{self, Restore};

/// `POST /nodes/{node}/lxc` with `restore=1`. With `force` it replaces an existing stopped
/// container.
pub(super) fn restore(call: &Call, archive: String) -> Result<ApiResponse> {
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
            _ => check_vmid(state, vmid)?,
        }
        let mut stub = Container::new(vmid, call.node());
        stub.options.insert("lock".into(), "create".into());
        state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
        state.containers.insert(vmid, stub);
        Ok(())
    })?;
    let id = vmid.to_string();
    let spec = call.spec("vzrestore", &id);
    Ok(tasks::start(&call.core, &spec, |run| restore::work(run, restore)).into())
}
