//! `/nodes/{node}/lxc/{vmid}/move_volume`: moving volumes to other storages.

use super::with_address;
use crate::call::{ApiResponse, Call};
use crate::cluster::lookup::{check_lock, container};
use crate::cluster::volumes;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{any_disk, boolean, lxc, named, number, text};
use crate::tasks::{self, move_volume};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let options = with_address(vec![
        any_disk("volume").required(),
        text("storage").format(named::STORAGE),
        lxc::vmid("target-vmid"),
        any_disk("target-volume"),
        boolean("delete"),
        text("digest").length(0, 40),
        text("target-digest").length(0, 40),
        number("bwlimit").min(0),
    ]);
    vec![
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/move_volume",
            options,
            move_volume,
        )
        .every("/vms/{vmid}", &["VM.Config.Disk"]),
    ]
}

/// `POST …/move_volume`: moves a volume to another storage.
fn move_volume(call: &Call) -> Result<ApiResponse> {
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
    let work = move |run| move_volume::work(run, vmid, option, storage);
    Ok(tasks::start(&call.core, &spec, work).into())
}
