//! Datacenter options, the cluster log and cluster membership. Features that are not simulated
//! (high availability, backup jobs, replication, SDN beyond plain bridges) return empty lists.

use serde_json::{Value, json};

use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};

/// Default number of log entries.
const SHOWN: usize = 50;

/// `GET /cluster/log`, newest first. Without `Sys.Syslog` the caller sees only their own entries.
pub(crate) fn log(call: &Call) -> Result<ApiResponse> {
    let limit = call.params.number("max");
    let limit = limit.map_or(SHOWN, |limit| usize::try_from(limit).unwrap_or(SHOWN));
    let entries: Vec<Value> = call.core.read(|state| {
        let all = call.has_privilege(state, "/", "Sys.Syslog");
        let entries = state.journal.entries();
        let visible = entries.filter(|entry| all || entry.user == call.caller.id);
        let page = visible.take(limit).map(|entry| {
            json!({
                "uid": entry.number.to_string(),
                "id": format!("{}:{}", entry.number, entry.node),
                "time": entry.time, "node": entry.node, "user": entry.user,
                "msg": entry.message, "pri": 6, "pid": 338, "tag": "pvedaemon",
            })
        });
        page.collect()
    });
    Ok(Value::from(entries).into())
}

/// `GET /cluster/options`.
pub(crate) fn options(_: &Call) -> Result<ApiResponse> {
    let none: [&str; 0] = [];
    Ok(json!({ "description": "", "mac_prefix": "BC:24:11", "allowed-tags": none }).into())
}

/// An empty list, for features that are not simulated.
pub(crate) fn empty_list(_: &Call) -> Result<ApiResponse> {
    Ok(Value::Array(Vec::new()).into())
}

/// `GET /cluster/config/nodes`. Empty for a single node, which is in no cluster.
pub(crate) fn members(call: &Call) -> Result<ApiResponse> {
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
pub(crate) fn join(call: &Call) -> Result<ApiResponse> {
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

/// `GET /cluster/ha/status/current`: no resources are managed.
pub(crate) fn availability(call: &Call) -> Result<ApiResponse> {
    let nodes = &call.core.config.scenario.nodes;
    let first = nodes.first().map_or("", |node| node.name.as_str());
    Ok(json!([
        { "id": "quorum", "type": "quorum", "node": first, "quorate": 1, "status": "OK" },
        {
            "id": "fencing", "type": "fencing", "node": first, "armed-state": "standby",
            "status": "standby (CRM watchdog standby)",
        },
    ])
    .into())
}
