//! `/nodes/{node}/lxc/{vmid}/template`: converting a container to a template.

use crate::call::{ApiResponse, Call};
use crate::cluster::container::is_member;
use crate::cluster::lookup::{check_lock, container, container_mut};
use crate::cluster::state::{Kind, State};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::lxc;
use crate::tasks;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/template",
            lxc::address(),
            template,
        )
        .every("/vms/{vmid}", &["VM.Allocate"]),
    ]
}

/// `POST …/template`: converts the container to a template.
fn template(call: &Call) -> Result<ApiResponse> {
    let vmid = call.params.vmid();
    call.core.read(|state| {
        let container = container(state, call.node(), vmid)?;
        check_lock(container)?;
        if container.flag("template") {
            return Err(ApiError::failed(
                "you can't convert a template to a template",
            ));
        }
        if container.is_running() {
            let message = "you can't convert a CT to template if the CT is running";
            return Err(ApiError::failed(message));
        }
        Ok(())
    })?;
    let id = vmid.to_string();
    let spec = call.spec("vztemplate", &id);
    tasks::start(&call.core, &spec, move |run| async move {
        run.core
            .edit(|state| convert_to_template(&run.node, state, vmid))
    });
    Ok(ApiResponse::null())
}

/// Marks the container as a template and renames its disks to base images.
fn convert_to_template(
    node: &str,
    state: &mut State,
    vmid: u32,
) -> std::result::Result<(), String> {
    let base = |name: &str| name.replace(&format!("vm-{vmid}-"), &format!("base-{vmid}-"));
    for volume in &mut state.volumes {
        if volume.kind == (Kind::Disk { vmid }) {
            volume.name = base(&volume.name);
        }
    }
    let container = container_mut(state, node, vmid)?;
    for (name, value) in &mut container.options {
        if name == "rootfs" || is_member(name, "mp") {
            *value = base(value);
        }
    }
    container.options.insert("template".into(), "1".into());
    Ok(())
}
