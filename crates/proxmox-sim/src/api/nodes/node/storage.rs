//! `/nodes/{node}/storage`.

mod content;
mod download_url;
mod oci_registry_pull;
mod rrddata;
mod status;

use serde_json::{Value, json};

use crate::api::index_entries;
use crate::call::{ApiResponse, Call};
use crate::cluster::state::State;
use crate::cluster::storage::Storage;
use crate::cluster::{usage, volumes};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::storage::id;
use crate::schema::{Property, boolean, lxc, named, text};

/// One of these is required to see a storage.
pub(super) const VIEW: &[&str] = &["Datastore.Audit", "Datastore.AllocateSpace"];

/// The routes of this level and below.
pub(super) fn routes() -> Vec<Route> {
    let filters = vec![
        lxc::node(),
        text("content").list(named::CONTENT),
        boolean("enabled"),
        boolean("format"),
        text("storage").format(named::STORAGE),
        text("target").format(named::NODE),
    ];
    let item = "/nodes/{node}/storage/{storage}";
    let mut routes = vec![
        Route::new("GET", "/nodes/{node}/storage", filters, list),
        Route::new("GET", item, with_storage(vec![]), index).any("/storage/{storage}", VIEW),
    ];
    routes.extend(content::routes());
    routes.extend(download_url::routes());
    routes.extend(oci_registry_pull::routes());
    routes.extend(rrddata::routes());
    routes.extend(status::routes());
    routes
}

/// Adds the node and storage of the path to the properties.
pub(crate) fn with_storage(more: Vec<Property>) -> Vec<Property> {
    let mut properties = vec![lxc::node(), id()];
    properties.extend(more);
    properties
}

/// `GET /nodes/{node}/storage`. The `content` filter matches storages that allow any of its types.
fn list(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let requested = |storage: &&Storage| {
        let by_content = params
            .get("content")
            .is_none_or(|filter| split_list(filter).any(|kind| storage.supports(kind)));
        let by_name = params
            .get("storage")
            .is_none_or(|name| name == storage.name);
        let enabled = !params.flag("enabled") || storage.is_enabled();
        by_content && by_name && enabled && storage.is_on(call.node())
    };
    let entries: Vec<Value> = call.core.read(|state| {
        let storages = state.storages.values().filter(requested);
        let storages = storages.filter(|storage| call.can_see_storage(state, &storage.name));
        let listed = storages.map(|storage| {
            let mut entry = usage::members(status_json(state, call.node(), storage));
            let used = state.used(call.node(), storage);
            entry.insert("storage".into(), storage.name.as_str().into());
            let fraction = used as f64 / storage.total as f64;
            entry.insert("used_fraction".into(), fraction.into());
            Value::Object(entry)
        });
        listed.collect()
    });
    Ok(Value::from(entries).into())
}

fn status_json(state: &State, node: &str, storage: &Storage) -> Value {
    let used = state.used(node, storage);
    let enabled = storage.is_enabled();
    json!({
        "type": storage.rules().name,
        "content": storage.content.join(","),
        "active": u8::from(enabled),
        "enabled": u8::from(enabled),
        "shared": u8::from(storage.is_shared()),
        "total": storage.total,
        "used": used,
        "avail": storage.total - used,
    })
}

/// `GET /nodes/{node}/storage/{storage}`.
fn index(_: &Call) -> Result<ApiResponse> {
    const NAMES: [&str; 5] = [
        "content",
        "download-url",
        "oci-registry-pull",
        "rrddata",
        "status",
    ];
    Ok(index_entries("subdir", &NAMES))
}

/// The storage in the URL, if it allows the content type.
pub(crate) fn content_storage(call: &Call, content: &str) -> Result<Storage> {
    let name = call.params.text("storage");
    let storage = call
        .core
        .read(|state| volumes::usable(state, call.node(), name).cloned())?;
    if storage.supports(content) {
        return Ok(storage);
    }
    Err(ApiError::Failed(format!(
        "storage '{name}' is not configured for content-type '{content}'"
    )))
}
