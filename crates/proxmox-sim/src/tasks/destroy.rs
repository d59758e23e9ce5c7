//! The work of `vzdestroy`.

use crate::cluster::container::Power;
use crate::cluster::lookup::{check_lock, container, container_mut};
use crate::cluster::state::Kind;
use crate::tasks::Run;

/// Removes the container with its disks, pool memberships and access control entries.
pub(crate) async fn work(run: Run, vmid: u32) -> Result<(), String> {
    let _lock = run.core.lock_config(vmid).await?;
    let running = run.core.read(|state| -> Result<bool, String> {
        let container = container(state, &run.node, vmid)?;
        check_lock(container)?;
        Ok(container.is_running())
    })?;
    if running {
        run.pause(run.core.config.delays.stop).await?;
        run.core.edit(|state| -> Result<(), String> {
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
        disks
    });
    for name in disks {
        run.log(format!("  Logical volume \"{name}\" successfully removed."));
    }
    run.log(format!("purging CT {vmid} from related configurations.."));
    Ok(())
}
