//! `/nodes/{node}/startall`.

use std::collections::BTreeSet;

use super::with_node;
use crate::call::{ApiResponse, Call};
use crate::cluster::container::Container;
use crate::error::Result;
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::{boolean, integer, named, text};
use crate::tasks::{self, Run, power};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let options = with_node(vec![
        boolean("force"),
        integer("max-workers").min(1).max(64),
        text("vms").list(named::VMID),
    ]);
    vec![Route::new(
        "POST",
        "/nodes/{node}/startall",
        options,
        start_all,
    )]
}

/// `POST /nodes/{node}/startall`: starts the containers with `onboot`, or with `force` all.
fn start_all(call: &Call) -> Result<ApiResponse> {
    let all = call.params.flag("force");
    let vmids = select_containers(call, |container| {
        !container.is_running() && !container.flag("template") && (all || container.flag("onboot"))
    });
    let caller = call.caller.clone();
    let work = |run: Run| async move {
        for vmid in vmids {
            run.log(format!("Starting CT {vmid}"));
            power::start_later(&run, &caller, vmid);
            run.pause(run.core.config.delays.start).await?;
        }
        Ok(())
    };
    Ok(tasks::start(&call.core, &call.spec("startall", ""), work).into())
}

/// The containers on the node in the URL that match and that the caller may start and stop.
pub(crate) fn select_containers(call: &Call, requested: impl Fn(&Container) -> bool) -> Vec<u32> {
    let named: Option<BTreeSet<&str>> = call.params.get("vms").map(|vms| split_list(vms).collect());
    call.core.read(|state| {
        let containers = state.containers.values().filter(|c| c.node == call.node());
        containers
            .filter(|container| requested(container))
            .map(|container| container.vmid)
            .filter(|vmid| {
                named
                    .as_ref()
                    .is_none_or(|named| named.contains(vmid.to_string().as_str()))
            })
            .filter(|vmid| call.has_privilege(state, &format!("/vms/{vmid}"), "VM.PowerMgmt"))
            .collect()
    })
}
