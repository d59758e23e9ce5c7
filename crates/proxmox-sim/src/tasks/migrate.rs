//! The work of `vzmigrate`.

use crate::cluster::container::Power;
use crate::cluster::lookup::{check_lock, container, container_mut};
use crate::cluster::state::Kind;
use crate::tasks::Run;

/// Moves the container and its disks to the target node.
pub(crate) async fn work(
    run: Run,
    vmid: u32,
    target: String,
    restarts: bool,
) -> Result<(), String> {
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
            *since = u64::try_from(crate::clock::now().as_millis()).unwrap_or_default();
        }
        for volume in &mut state.volumes {
            if volume.kind == (Kind::Disk { vmid }) {
                volume.node.clone_from(&target);
            }
        }
        Ok(())
    })
}
