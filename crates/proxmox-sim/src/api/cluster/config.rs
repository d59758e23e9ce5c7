//! `/cluster/config`: cluster membership.

use serde_json::{Value, json};

use crate::api::index_entries;
use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{named, text};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let node = vec![text("node").format(named::NODE)];
    vec![
        Route::new("GET", "/cluster/config", vec![], index).every("/", &["Sys.Audit"]),
        Route::new("GET", "/cluster/config/nodes", vec![], members).every("/", &["Sys.Audit"]),
        Route::new("GET", "/cluster/config/join", node, join).every("/", &["Sys.Audit"]),
    ]
}

/// `GET /cluster/config`.
fn index(_: &Call) -> Result<ApiResponse> {
    let names = ["nodes", "totem", "join", "qdevice", "apiversion"];
    Ok(index_entries("name", &names))
}

/// `GET /cluster/config/nodes`. Empty for a single node, which is in no cluster.
fn members(call: &Call) -> Result<ApiResponse> {
    let nodes = &call.core.config.scenario.nodes;
    let numbered = nodes.iter().enumerate().filter(|_| nodes.len() > 1);
    let members: Vec<Value> = numbered
        .map(|(index, node)| {
            json!({
                "node": node.name, "name": node.name, "nodeid": (index + 1).to_string(),
                "quorum_votes": "1", "ring0_addr": node.address.to_string(),
            })
        })
        .collect();
    Ok(Value::from(members).into())
}

/// `GET /cluster/config/join`: the information for joining a node to the cluster.
fn join(call: &Call) -> Result<ApiResponse> {
    let scenario = &call.core.config.scenario;
    let [first, _, ..] = scenario.nodes.as_slice() else {
        return Err(ApiError::Status {
            status: 424,
            message: "node is not in a cluster, no join info available!".into(),
        });
    };
    let nodes: Vec<Value> = scenario
        .nodes
        .iter()
        .map(|node| json!({ "name": node.name, "pve_addr": node.address.to_string() }))
        .collect();
    Ok(json!({
        "preferred_node": first.name,
        "nodelist": nodes,
        "config_digest": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "totem": { "cluster_name": scenario.cluster },
    })
    .into())
}
