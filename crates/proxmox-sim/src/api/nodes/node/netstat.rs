//! `/nodes/{node}/netstat`.

use serde_json::{Value, json};

use crate::call::{ApiResponse, Call};
use crate::cluster::usage;
use crate::error::Result;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/nodes/{node}/netstat", vec![lxc::node()], netstat)
            .every("/nodes/{node}", &["Sys.Audit"]),
    ]
}

/// `GET /nodes/{node}/netstat`: traffic in bytes per network interface of each running container.
fn netstat(call: &Call) -> Result<ApiResponse> {
    let entries: Vec<Value> = call.core.read(|state| {
        let containers = state.containers.values().filter(|c| c.node == call.node());
        let running = containers.filter(|container| container.is_running());
        let entries = running.flat_map(|container| {
            let (received, sent) = usage::container_usage(container).network;
            container.networks().map(move |(option, _)| {
                json!({
                    "vmid": container.vmid.to_string(), "dev": option,
                    "in": received.to_string(), "out": sent.to_string(),
                })
            })
        });
        entries.collect()
    });
    Ok(Value::from(entries).into())
}
