//! `/nodes/{node}/lxc/{vmid}/resize`: growing disks.

use super::config::check_digest;
use super::with_address;
use crate::call::{ApiResponse, Call};
use crate::cluster::lookup::{check_lock, container, container_mut};
use crate::cluster::state::Kind;
use crate::cluster::volumes;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::object::Problem;
use crate::schema::{disk, lxc, text};
use crate::{size, tasks};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let size = text("size").pattern(r"\+?\d+(\.\d+)?[KMGT]?").required();
    let digest = text("digest").length(0, 40);
    let new_size = with_address(vec![disk("disk").required(), size, digest]);
    vec![
        Route::new("PUT", "/nodes/{node}/lxc/{vmid}/resize", new_size, resize)
            .every("/vms/{vmid}", &["VM.Config.Disk"])
            .locking(),
    ]
}

/// `PUT …/resize`. A smaller size is rejected before the task starts.
fn resize(call: &Call) -> Result<ApiResponse> {
    let (vmid, option) = (call.params.vmid(), call.params.text("disk").to_owned());
    let object = if option == "rootfs" {
        lxc::rootfs()
    } else {
        lxc::mount_point()
    };
    let (volume, bytes) = call.core.read(|state| {
        let container = container(state, call.node(), vmid)?;
        check_digest(call, container)?;
        check_lock(container)?;
        let value = container.option(&option).unwrap_or_default();
        let parts = object.read(value).map_err(|problem| match problem {
            Problem::Syntax(text) => ApiError::Failed(text),
            Problem::Parts(problems) => ApiError::Format(problems),
        })?;
        let old = parts
            .get("size")
            .and_then(|size| size::parse(size))
            .unwrap_or(0);
        let volume = parts.get("volume").cloned().unwrap_or_default();
        if let Some(owner) = volumes::owner(&volume).filter(|owner| *owner != vmid) {
            return Err(ApiError::Failed(format!(
                "can't resize mount point owned by another container ({owner}) \
                 at /usr/share/perl5/PVE/API2/LXC.pm line 2386."
            )));
        }
        Ok::<_, ApiError>((volume, new_size(old, call.params.text("size"))?))
    })?;
    let id = vmid.to_string();
    let spec = call.spec("resize", &id);
    let work = move |run: tasks::Run| async move {
        run.pause(std::time::Duration::ZERO).await?;
        run.core.edit(|state| {
            let container = container_mut(state, &run.node, vmid)?;
            let value = container.option(&option).unwrap_or_default();
            let mut parts = object.parse(&option, value)?;
            parts.insert("size".into(), size::format(bytes));
            container.options.insert(option, object.write(&parts));
            let own = |v: &&mut crate::cluster::state::Volume| {
                v.kind == Kind::Disk { vmid } && v.id() == volume
            };
            if let Some(volume) = state.volumes.iter_mut().find(own) {
                volume.size = bytes;
            }
            Ok(())
        })
    };
    Ok(tasks::start(&call.core, &spec, work).into())
}

/// Parses a size: `+1G` grows by that amount, `3G` is the new total.
fn new_size(old: u64, text: &str) -> Result<u64> {
    let wrong = || ApiError::failed("invalid size");
    let new = match text.strip_prefix('+') {
        Some(more) => old
            .checked_add(size::parse(more).ok_or_else(wrong)?)
            .ok_or_else(wrong)?,
        None => size::parse(text).ok_or_else(wrong)?,
    };
    if new < old {
        Err(ApiError::failed("unable to shrink disk size"))
    } else {
        Ok(new)
    }
}
