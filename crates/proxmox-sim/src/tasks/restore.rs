//! The work of `vzrestore`.

use std::collections::BTreeMap;

use crate::access::auth::Caller;
use crate::cluster::container::is_member;
use crate::cluster::lookup::container_mut;
use crate::cluster::state::{Kind, State};
use crate::cluster::{options, volumes};
use crate::schema::lxc;
use crate::size;
use crate::tasks::{Run, create};

/// The parameters of a restore.
pub(crate) struct Restore {
    pub(crate) vmid: u32,
    pub(crate) archive: String,
    pub(crate) storage: Option<String>,
    pub(crate) sent: BTreeMap<String, String>,
    pub(crate) unique: bool,
    pub(crate) start: bool,
    pub(crate) caller: Caller,
}

/// Restores the container. On failure the stub and its disks are removed.
pub(crate) async fn work(run: Run, restore: Restore) -> Result<(), String> {
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

fn unpack(state: &mut State, run: &Run, restore: &Restore) -> Result<(), String> {
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
