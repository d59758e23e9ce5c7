//! The work of `vzclone`.

use std::collections::BTreeMap;

use crate::cluster::container::is_member;
use crate::cluster::lookup::{container, container_mut};
use crate::cluster::state::Kind;
use crate::cluster::volumes;
use crate::schema::lxc;
use crate::tasks::Run;

/// The parameters of a clone.
pub(crate) struct Plan {
    pub(crate) vmid: u32,
    pub(crate) new: u32,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) storage: Option<String>,
}

/// Copies the container. On failure the stub and its disks are removed.
pub(crate) async fn work(run: Run, plan: Plan) -> Result<(), String> {
    let (vmid, new) = (plan.vmid, plan.new);
    let copied = copy(&run, plan).await;
    if let Err(problem) = copied {
        run.core.edit(|state| {
            state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid: new });
            state.remove_container(new);
        });
        return Err(format!("clone failed: {problem}"));
    }
    run.log(format!("CT {vmid} was copied to CT {new}"));
    Ok(())
}

async fn copy(run: &Run, plan: Plan) -> Result<(), String> {
    run.pause(run.core.config.delays.create).await?;
    run.core.edit(|state| {
        let mut options = plan.options;
        for (name, value) in &mut options {
            let object = match name.as_str() {
                "rootfs" => lxc::rootfs(),
                name if is_member(name, "mp") => lxc::mount_point(),
                _ => continue,
            };
            let mut parts = object.parse(name, value)?;
            let volume = parts.get("volume").cloned().unwrap_or_default();
            let source = state.volume(&run.node, &volume).cloned();
            let source = source.ok_or_else(|| format!("volume '{volume}' does not exist"))?;
            let storage = plan.storage.as_deref().unwrap_or(&source.storage);
            let requested = (storage, source.size);
            let id = volumes::allocate(state, &run.node, plan.new, requested)?;
            parts.insert("volume".into(), id);
            *value = object.write(&parts);
        }
        let original = container(state, &run.node, plan.vmid)?;
        let (raw, template_or_image) = (original.raw.clone(), original.template_or_image.clone());
        if let Some(firewall) = state.firewalls.get(&plan.vmid).cloned() {
            state.firewalls.insert(plan.new, firewall);
        }
        let copy = container_mut(state, &run.node, plan.new)?;
        (copy.options, copy.raw) = (options, raw);
        copy.template_or_image = template_or_image;
        Ok(())
    })
}
