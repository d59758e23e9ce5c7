//! `/cluster/resources`. Usage is that of the last `pvestatd` broadcast, so it lags.

use serde_json::{Map, Value, json};

use crate::access::Pool;
use crate::call::{ApiResponse, Call};
use crate::cluster::container::Container;
use crate::cluster::state::State;
use crate::cluster::storage::Storage;
use crate::cluster::usage::members;
use crate::config::NodeSpec;
use crate::error::Result;
use crate::route::Route;
use crate::schema::choice;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let kind = vec![choice("type", &["vm", "storage", "node", "sdn"])];
    vec![Route::new("GET", "/cluster/resources", kind, resources)]
}

/// `GET /cluster/resources`.
fn resources(call: &Call) -> Result<ApiResponse> {
    let kind = call.params.get("type");
    let requested = |name: &str| kind.is_none_or(|kind| kind == name);
    let entries = call.core.read(|state| {
        let mut entries: Vec<Value> = Vec::new();
        if requested("vm") {
            let containers = state.containers.values().filter(|container| {
                call.has_privilege(state, &format!("/vms/{}", container.vmid), "VM.Audit")
            });
            entries.extend(containers.map(|container| container_resource(state, container)));
        }
        for node in &call.core.config.scenario.nodes {
            if requested("node") {
                entries.push(node_resource(state, node).into());
            }
            if requested("storage") {
                entries.extend(storage_resources(call, state, node));
            }
            if requested("sdn") {
                entries.push(zone_resource(node));
            }
        }
        entries
    });
    Ok(Value::from(entries).into())
}

/// The list of containers is current. Status and usage come from the last broadcast.
fn container_resource(state: &State, container: &Container) -> Value {
    let status = state.broadcast.containers.get(&container.vmid);
    let mut entry = status
        .cloned()
        .unwrap_or_else(|| members(json!({ "status": "unknown" })));
    entry.insert("id".into(), format!("lxc/{}", container.vmid).into());
    entry.insert("type".into(), "lxc".into());
    entry.insert("vmid".into(), container.vmid.into());
    entry.insert("node".into(), container.node.as_str().into());
    for name in ["lock", "tags"] {
        if let Some(value) = container.option(name) {
            entry.insert(name.into(), value.into());
        }
    }
    entry.into()
}

/// A node in the format of `/cluster/resources`.
pub(crate) fn node_resource(state: &State, node: &NodeSpec) -> Map<String, Value> {
    let status = state.broadcast.nodes.get(&node.name);
    let mut entry = status
        .cloned()
        .unwrap_or_else(|| members(json!({ "status": "unknown" })));
    entry.insert("id".into(), format!("node/{}", node.name).into());
    entry.insert("type".into(), "node".into());
    entry.insert("node".into(), node.name.as_str().into());
    entry
}

fn storage_resources(call: &Call, state: &State, node: &NodeSpec) -> Vec<Value> {
    let offline = state.offline.contains(&node.name);
    let resource = |storage: &Storage| {
        json!({
            "id": format!("storage/{}/{}", node.name, storage.name),
            "type": "storage",
            "node": node.name,
            "storage": storage.name,
            "status": if offline { "unknown" } else { "available" },
            "plugintype": storage.rules().name,
            "content": storage.content.join(","),
            "shared": u8::from(storage.is_shared()),
            "disk": state.used(&node.name, storage),
            "maxdisk": storage.total,
        })
    };
    let storages = state.storages.values();
    storages
        .filter(|storage| storage.is_enabled() && storage.is_on(&node.name))
        .filter(|storage| call.can_see_storage(state, &storage.name))
        .map(resource)
        .collect()
}

/// The members of a pool in the format of `/cluster/resources`.
pub(crate) fn members_of(call: &Call, state: &State, pool: &Pool) -> Vec<Value> {
    let containers = state.containers.values();
    let mut members: Vec<Value> = containers
        .filter(|container| pool.vms.contains(&container.vmid))
        .map(|container| container_resource(state, container))
        .collect();
    for node in &call.core.config.scenario.nodes {
        let resources = storage_resources(call, state, node).into_iter();
        members.extend(resources.filter(|entry| {
            let name = entry.get("storage").and_then(Value::as_str);
            name.is_some_and(|name| pool.storages.contains(name))
        }));
    }
    members
}

fn zone_resource(node: &NodeSpec) -> Value {
    json!({
        "id": format!("sdn/{}/localnetwork", node.name),
        "type": "sdn",
        "node": node.name,
        "sdn": "localnetwork",
        "status": "ok",
    })
}
