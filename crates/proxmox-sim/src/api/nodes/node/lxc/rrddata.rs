//! `/nodes/{node}/lxc/{vmid}/rrddata`.

use std::time::Duration;

use serde_json::json;

use super::with_address;
use crate::api::nodes::node::rrddata::{rrd_parameters, rrd_points};
use crate::call::{ApiResponse, Call};
use crate::clock::now;
use crate::cluster::lookup::container;
use crate::cluster::usage;
use crate::error::{ApiError, Result};
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let frames = ["hour", "day", "week", "month", "year"];
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/rrddata",
            with_address(rrd_parameters(&frames)),
            show,
        )
        .every("/vms/{vmid}", &["VM.Audit"]),
    ]
}

/// `GET …/lxc/{vmid}/rrddata`. Fails until the node has broadcast the container's status once.
fn show(call: &Call) -> Result<ApiResponse> {
    let vmid = call.params.vmid();
    let broadcast_container = call.core.read(|state| {
        let is_broadcast = state.broadcast.containers.contains_key(&vmid);
        let container = container(state, call.node(), vmid).ok();
        container.filter(|_| is_broadcast).cloned()
    });
    let Some(container) = broadcast_container else {
        let message = format!(
            "RRD error: opening '/var/lib/rrdcached/db/pve-vm-9.0/{vmid}': \
             No such file or directory"
        );
        return Err(ApiError::Failed(message));
    };
    let usage = usage::container_usage(&container);
    let since = now()
        .saturating_sub(Duration::from_secs(usage.uptime))
        .as_secs();
    let cpus = call
        .core
        .node(&container.node)
        .map_or(1, |node| usage::cpu_count(&container, node));
    Ok(rrd_points(call, since, |time| {
        let swing = 0.6 + 0.4 * usage::wave(vmid, time as f64);
        usage::members(json!({
            "cpu": usage.cpu * swing, "maxcpu": cpus,
            "mem": usage.memory as f64 * swing, "maxmem": container.memory(),
            "disk": usage.disk, "maxdisk": container.disk(),
            "netin": 2_310.0 * swing, "netout": 1_270.0 * swing,
            "diskread": 6_930.0 * swing, "diskwrite": 2_540.0 * swing,
        }))
    }))
}
