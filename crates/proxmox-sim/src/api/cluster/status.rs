//! `/cluster/status`.

use serde_json::{Value, json};

use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new("GET", "/cluster/status", vec![], status).every("/", &["Sys.Audit"])]
}

/// `GET /cluster/status`.
fn status(call: &Call) -> Result<ApiResponse> {
    let scenario = &call.core.config.scenario;
    let mut entries = vec![json!({
        "type": "cluster",
        "id": "cluster",
        "name": scenario.cluster,
        "nodes": scenario.nodes.len(),
        "quorate": u8::from(call.core.is_quorate()),
        "version": scenario.nodes.len(),
    })];
    call.core.read(|state| {
        entries.extend(scenario.nodes.iter().enumerate().map(|(index, node)| {
            json!({
                "type": "node",
                "id": format!("node/{}", node.name),
                "name": node.name,
                "nodeid": index + 1,
                "ip": node.address.to_string(),
                "level": "",
                "local": u8::from(index == 0),
                "online": u8::from(!state.offline.contains(&node.name)),
            })
        }));
    });
    Ok(Value::from(entries).into())
}
