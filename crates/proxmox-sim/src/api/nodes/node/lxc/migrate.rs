//! `/nodes/{node}/lxc/{vmid}/migrate`: migrating containers to other nodes.

use serde_json::{Map, Value, json};

use super::with_address;
use crate::call::{ApiResponse, Call};
use crate::cluster::lookup::container;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{boolean, integer, named, number, text};
use crate::tasks::{self, migrate};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let path = "/nodes/{node}/lxc/{vmid}/migrate";
    let target = with_address(vec![text("target").format(named::NODE)]);
    let options = with_address(vec![
        text("target").format(named::NODE).required(),
        text("target-storage").list(named::STORAGE_PAIR),
        boolean("online"),
        boolean("restart"),
        integer("timeout"),
        number("bwlimit").min(0),
    ]);
    vec![
        Route::new("GET", path, target, show).every("/vms/{vmid}", &["VM.Migrate"]),
        Route::new("POST", path, options, migrate).every("/vms/{vmid}", &["VM.Migrate"]),
    ]
}

/// `GET …/migrate`: the possible target nodes.
fn show(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let container = container(state, call.node(), call.params.vmid())?;
        let others = call.core.config.scenario.nodes.iter();
        let allowed: Vec<&str> = others
            .map(|node| node.name.as_str())
            .filter(|name| *name != container.node && !state.offline.contains(*name))
            .collect();
        Ok(json!({
            "running": u8::from(container.is_running()),
            "allowed-nodes": allowed,
            "not-allowed-nodes": Map::<String, Value>::new(),
        })
        .into())
    })
}

/// `POST …/migrate`. A running container is restarted on the target if `restart` is set.
fn migrate(call: &Call) -> Result<ApiResponse> {
    let (vmid, target) = (call.params.vmid(), call.params.text("target").to_owned());
    if target == call.node() {
        return Err(ApiError::parameter("target", "target is local node."));
    }
    if call.core.node(&target).is_none() {
        return Err(ApiError::Failed(format!("no such cluster node '{target}'")));
    }
    let restarts = call.params.flag("restart");
    call.core.read(|state| {
        let container = container(state, call.node(), vmid)?;
        if container.is_running() && !restarts && !call.params.flag("online") {
            let message = "can't migrate running container without --online or --restart";
            return Err(ApiError::failed(message));
        }
        Ok(())
    })?;
    let id = vmid.to_string();
    let spec = call.spec("vzmigrate", &id);
    let work = move |run| migrate::work(run, vmid, target, restarts);
    Ok(tasks::start(&call.core, &spec, work).into())
}
