//! The work of `move_volume`.

use crate::cluster::container::is_member;
use crate::cluster::lookup::{container, container_mut};
use crate::cluster::volumes;
use crate::schema::lxc;
use crate::tasks::Run;

/// Moves a volume to another storage.
pub(crate) async fn work(
    run: Run,
    vmid: u32,
    option: String,
    storage: String,
) -> Result<(), String> {
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
