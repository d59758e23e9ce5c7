//! `/storage`: storage definitions of the cluster (`storage.cfg`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::call::{ApiResponse, Call};
use crate::cluster::state::State;
use crate::cluster::storage::{self, Rules, Storage};
use crate::cluster::volumes;
use crate::config::StorageKind;
use crate::error::{ApiError, Result};
use crate::params::Params;
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::storage::{changeable, fixed, id, kind};
use crate::schema::{named, text};

/// Parameters that are not options of a storage.
const NOT_OPTIONS: [&str; 5] = ["storage", "type", "content", "delete", "digest"];

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let (all, item) = ("/storage", "/storage/{storage}");
    let allocate: &[&str] = &["Datastore.Allocate"];
    let mut created = changeable();
    created.extend(fixed());
    let mut changed = changeable();
    changed.push(text("delete").list(named::CONFIG_ID).length(0, 4096));
    changed.push(text("digest").length(0, 64));
    vec![
        Route::new("GET", all, vec![kind()], list),
        Route::new("POST", all, created, create).every(all, allocate),
        Route::new("GET", item, vec![id()], show).every(item, allocate),
        Route::new("PUT", item, changed, update).every(all, allocate),
        Route::new("DELETE", item, vec![id()], delete).every(all, allocate),
    ]
}

/// `GET /storage`.
fn list(call: &Call) -> Result<ApiResponse> {
    let kind = call.params.get("type");
    call.core.read(|state| {
        let digest = storage::digest(state.storages.values());
        let storages = state.storages.values();
        let storages = storages
            .filter(|storage| kind.is_none_or(|kind| kind == storage.rules().name))
            .filter(|storage| call.can_see_storage(state, &storage.name));
        let entries: Vec<Value> = storages.map(|storage| to_json(storage, &digest)).collect();
        Ok(Value::from(entries).into())
    })
}

/// `GET /storage/{storage}`.
fn show(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let storage = volumes::storage(state, call.params.text("storage"))?;
        let digest = storage::digest(state.storages.values());
        Ok(to_json(storage, &digest).into())
    })
}

/// The JSON of a definition. Integer options are numbers, secrets are omitted.
fn to_json(storage: &Storage, digest: &str) -> Value {
    let mut entry = Map::new();
    for (name, value) in &storage.options {
        let numeric = changeable()
            .iter()
            .any(|property| property.name == name && property.is_numeric());
        let number = value.parse::<i64>().ok().filter(|_| numeric);
        let value = number.map_or_else(|| Value::from(value.as_str()), Value::from);
        entry.insert(name.clone(), value);
    }
    entry.insert("storage".into(), storage.name.as_str().into());
    entry.insert("type".into(), storage.rules().name.into());
    entry.insert("content".into(), storage.content.join(",").into());
    entry.insert("digest".into(), digest.into());
    entry.into()
}

fn response(storage: &Storage) -> ApiResponse {
    json!({ "storage": storage.name, "type": storage.rules().name }).into()
}

/// The requested content types that the storage type supports. A real node logs a warning for the
/// others. An empty list is an error for some storage types.
fn content(rules: &Rules, sent: &str) -> Result<Vec<String>> {
    let content: Vec<String> = split_list(sent)
        .filter(|kind| rules.content.contains(kind))
        .map(str::to_owned)
        .collect();
    if content.len() > 1 && content.iter().any(|kind| kind == "none") {
        let message = "unable to combine 'none' with other content types";
        return Err(ApiError::failed(message));
    }
    if content.is_empty() && !rules.content.contains(&"none") {
        let message = "storage does not support content type 'none'";
        return Err(ApiError::failed(message));
    }
    Ok(content)
}

/// The options among the parameters. Options of other storage types are rejected, secrets are not
/// stored.
fn options(rules: &Rules, params: &Params) -> Result<BTreeMap<String, String>> {
    const SECRETS: [&str; 3] = ["password", "encryption-key", "master-pubkey"];
    let sent = params
        .iter()
        .filter(|(name, _)| !NOT_OPTIONS.contains(name));
    let mut options = BTreeMap::new();
    for (name, value) in sent {
        if !rules.supports_option(name) {
            return Err(ApiError::Failed(format!("unexpected property '{name}'")));
        }
        if !SECRETS.contains(&name) {
            options.insert(name.to_owned(), value.to_owned());
        }
    }
    Ok(options)
}

fn check_nodes(call: &Call) -> Result<()> {
    let mut nodes = split_list(call.params.text("nodes"));
    match nodes.find(|node| call.core.node(node).is_none()) {
        Some(node) => Err(ApiError::Failed(format!("no such cluster node '{node}'"))),
        None => Ok(()),
    }
}

/// `POST /storage`.
fn create(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let (name, type_name) = (params.text("storage"), params.text("type"));
    let kind = storage::kind_from_name(type_name)
        .ok_or_else(|| ApiError::Failed(format!("storage type '{type_name}' is not simulated")))?;
    let rules = storage::rules(kind);
    let options = options(rules, params)?;
    if let Some(missing) = rules
        .required
        .iter()
        .find(|name| params.get(name).is_none())
    {
        let message = format!("missing value for required option '{missing}'");
        return Err(ApiError::Failed(message));
    }
    let content = match params.get("content") {
        Some(sent) => content(rules, sent)?,
        None => rules
            .default
            .iter()
            .map(|kind| (*kind).to_owned())
            .collect(),
    };
    check_nodes(call)?;
    call.core.edit(|state| {
        if state.storages.contains_key(name) {
            let message = format!("create storage failed: storage ID '{name}' already defined");
            return Err(ApiError::Failed(message));
        }
        let mut storage = Storage::defined(name, kind, content);
        storage.options = options;
        if matches!(kind, StorageKind::Nfs | StorageKind::Cifs) {
            let path = format!("/mnt/pve/{name}");
            storage.options.entry("path".into()).or_insert(path);
        }
        let response = response(&storage);
        state.storages.insert(name.to_owned(), storage);
        Ok(response)
    })
}

/// `PUT /storage/{storage}`.
fn update(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let name = params.text("storage");
    let failed = |message: String| ApiError::Failed(format!("update storage failed: {message}"));
    check_nodes(call)?;
    call.core.edit(|state| {
        check_digest(state, params)?;
        let Some(storage) = state.storages.get_mut(name) else {
            return Err(failed(format!("storage '{name}' does not exist")));
        };
        let rules = storage.rules();
        let options = options(rules, params)?;
        let mut fixed = rules.required.iter();
        if let Some(fixed) = fixed.find(|name| options.contains_key(**name) && **name != "server") {
            let message = format!("can't change value of fixed parameter '{fixed}'");
            return Err(failed(message));
        }
        let content = params.get("content").map(|sent| content(rules, sent));
        for option in split_list(params.text("delete")) {
            if rules.required.contains(&option) {
                let message = format!("unable to delete required option '{option}'");
                return Err(failed(message));
            }
            storage.options.remove(option);
        }
        if let Some(content) = content.transpose()? {
            storage.content = content;
        }
        storage.options.extend(options);
        Ok(response(storage))
    })
}

fn check_digest(state: &State, params: &Params) -> Result<()> {
    let current = storage::digest(state.storages.values());
    match params.get("digest").filter(|digest| !digest.is_empty()) {
        Some(digest) if digest != current => Err(ApiError::failed(
            "update storage failed: detected modified configuration - \
             file changed by other user? Try again.",
        )),
        _ => Ok(()),
    }
}

/// `DELETE /storage/{storage}`: the content of the storage remains but is inaccessible.
fn delete(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("storage");
    call.core.edit(|state| {
        let removed = state.storages.remove(name).map(drop);
        removed.ok_or_else(|| {
            let message = format!("delete storage failed: storage '{name}' does not exist");
            ApiError::Failed(message)
        })?;
        let path = format!("/storage/{name}");
        state.directory.grants.retain(|grant| grant.path != path);
        Ok(ApiResponse::null())
    })
}
