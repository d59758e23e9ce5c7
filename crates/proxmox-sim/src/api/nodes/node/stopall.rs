//! `/nodes/{node}/stopall`.

use super::startall::select_containers;
use super::with_node;
use crate::call::{ApiResponse, Call};
use crate::cluster::container::Container;
use crate::error::Result;
use crate::route::Route;
use crate::schema::{boolean, integer, named, text};
use crate::tasks::{self, Run, power};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let options = with_node(vec![
        boolean("force-stop"),
        integer("max-workers").min(1).max(64),
        text("vms").list(named::VMID),
        integer("timeout").min(0).max(7200),
    ]);
    vec![Route::new(
        "POST",
        "/nodes/{node}/stopall",
        options,
        stop_all,
    )]
}

/// `POST /nodes/{node}/stopall`.
fn stop_all(call: &Call) -> Result<ApiResponse> {
    let vmids = select_containers(call, Container::is_running);
    let caller = call.caller.clone();
    let work = |run: Run| async move {
        for vmid in vmids {
            run.log(format!("Stopping CT {vmid}"));
            power::stop_later(&run, &caller, vmid);
        }
        run.pause(run.core.config.delays.shutdown).await
    };
    Ok(tasks::start(&call.core, &call.spec("stopall", ""), work).into())
}
