//! `/nodes/{node}/lxc/{vmid}/pending`: the configuration with its pending changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{ApiResponse, Call};
use crate::cluster::container::{Pending, value_to_json};
use crate::cluster::lookup::container;
use crate::error::Result;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/pending",
            lxc::address(),
            pending,
        )
        .every("/vms/{vmid}", &["VM.Audit"]),
    ]
}

/// `GET …/pending`.
fn pending(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let container = container(state, call.node(), call.params.vmid())?;
        let mut entries: BTreeMap<&str, serde_json::Map<String, Value>> = BTreeMap::new();
        for (name, value) in &container.options {
            entries
                .entry(name)
                .or_default()
                .insert("value".into(), value_to_json(name, value));
        }
        for (name, change) in &container.pending {
            let entry = entries.entry(name).or_default();
            match change {
                Pending::Set(value) => entry.insert("pending".into(), value_to_json(name, value)),
                Pending::Delete => entry.insert("delete".into(), 1.into()),
            };
        }
        let mut list: Vec<Value> = entries
            .into_iter()
            .map(|(name, mut entry)| {
                entry.insert("key".into(), name.into());
                entry.into()
            })
            .collect();
        list.push(json!({ "key": "digest", "value": container.digest() }));
        Ok(Value::from(list).into())
    })
}
