//! Destroying containers.

use super::{check_lock, container, container_mut};
use crate::cluster::container::Power;
use crate::cluster::state::Kind;
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::tasks::{self, Run};

/// `DELETE /nodes/{node}/lxc/{vmid}`. Existence, lock, protection and power state are checked
/// before the task starts.
pub(crate) fn destroy(call: &Call) -> Result<ApiResponse> {
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
            work(run, vmid)
        })
        .into(),
    )
}

async fn work(run: Run, vmid: u32) -> std::result::Result<(), String> {
    let _lock = run.core.lock_config(vmid).await?;
    let running = run
        .core
        .read(|state| -> std::result::Result<bool, String> {
            let container = container(state, &run.node, vmid)?;
            check_lock(container)?;
            Ok(container.is_running())
        })?;
    if running {
        run.pause(run.core.config.delays.stop).await?;
        run.core.edit(|state| -> std::result::Result<(), String> {
            container_mut(state, &run.node, vmid)?.power = Power::Stopped;
            Ok(())
        })?;
    }
    run.pause(run.core.config.delays.destroy).await?;
    let disks = run.core.edit(|state| {
        let own = state
            .volumes
            .iter()
            .filter(|volume| volume.kind == Kind::Disk { vmid });
        let disks: Vec<String> = own.map(|volume| volume.name.clone()).collect();
        state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
        state.remove_container(vmid);
        state.broadcast.containers.remove(&vmid);
        disks
    });
    for name in disks {
        run.log(format!("  Logical volume \"{name}\" successfully removed."));
    }
    run.log(format!("purging CT {vmid} from related configurations.."));
    Ok(())
}
