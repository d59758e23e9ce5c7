//! Storage definitions of the cluster (`storage.cfg`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::volumes;
use crate::config::StorageKind;
use crate::error::{ApiError, Result};
use crate::params::Params;
use crate::routes::{Answer, Call};
use crate::schema::format::split_list;
use crate::schema::storage::changeable;
use crate::state::State;
use crate::storage::{self, Rules, Storage};

/// Parameters that are not options of a storage.
const NOT_OPTIONS: [&str; 5] = ["storage", "type", "content", "delete", "digest"];

/// `GET /storage`.
pub(crate) fn list(call: &Call) -> Result<Answer> {
    let kind = call.params.get("type");
    call.core.read(|state| {
        let digest = storage::digest(state.storages.values());
        let storages = state.storages.values();
        let storages = storages
            .filter(|storage| kind.is_none_or(|kind| kind == storage.rules().word))
            .filter(|storage| call.sees_storage(state, &storage.name));
        let entries: Vec<Value> = storages.map(|storage| shown(storage, &digest)).collect();
        Ok(Value::from(entries).into())
    })
}

/// `GET /storage/{storage}`.
pub(crate) fn show(call: &Call) -> Result<Answer> {
    call.core.read(|state| {
        let storage = volumes::storage(state, call.params.text("storage"))?;
        let digest = storage::digest(state.storages.values());
        Ok(shown(storage, &digest).into())
    })
}

/// The JSON of a definition. Integer options are numbers, secrets are omitted.
fn shown(storage: &Storage, digest: &str) -> Value {
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
    entry.insert("type".into(), storage.rules().word.into());
    entry.insert("content".into(), storage.content.join(",").into());
    entry.insert("digest".into(), digest.into());
    entry.into()
}

fn answer(storage: &Storage) -> Answer {
    json!({ "storage": storage.name, "type": storage.rules().word }).into()
}

/// The requested content types that the storage type supports. A real node logs a warning for the
/// others. An empty list is an error for some storage types.
fn content(rules: &Rules, given: &str) -> Result<Vec<String>> {
    let kept: Vec<String> = split_list(given)
        .filter(|kind| rules.content.contains(kind))
        .map(str::to_owned)
        .collect();
    if kept.len() > 1 && kept.iter().any(|kind| kind == "none") {
        let words = "unable to combine 'none' with other content types";
        return Err(ApiError::failed(words));
    }
    if kept.is_empty() && !rules.content.contains(&"none") {
        let words = "storage does not support content type 'none'";
        return Err(ApiError::failed(words));
    }
    Ok(kept)
}

/// The options among the parameters. Options of other storage types are rejected, secrets are not
/// stored.
fn options(rules: &Rules, params: &Params) -> Result<BTreeMap<String, String>> {
    const SECRETS: [&str; 3] = ["password", "encryption-key", "master-pubkey"];
    let given = params
        .iter()
        .filter(|(name, _)| !NOT_OPTIONS.contains(name));
    let mut options = BTreeMap::new();
    for (name, value) in given {
        if !rules.knows(name) {
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
pub(crate) fn create(call: &Call) -> Result<Answer> {
    let params = &call.params;
    let (name, word) = (params.text("storage"), params.text("type"));
    let kind = storage::kind_of(word)
        .ok_or_else(|| ApiError::Failed(format!("storage type '{word}' is not simulated")))?;
    let rules = storage::rules(kind);
    let options = options(rules, params)?;
    if let Some(missing) = rules
        .required
        .iter()
        .find(|name| params.get(name).is_none())
    {
        let words = format!("missing value for required option '{missing}'");
        return Err(ApiError::Failed(words));
    }
    let content = match params.get("content") {
        Some(given) => content(rules, given)?,
        None => rules
            .default
            .iter()
            .map(|kind| (*kind).to_owned())
            .collect(),
    };
    check_nodes(call)?;
    call.core.edit(|state| {
        if state.storages.contains_key(name) {
            let words = format!("create storage failed: storage ID '{name}' already defined");
            return Err(ApiError::Failed(words));
        }
        let mut storage = Storage::defined(name, kind, content);
        storage.options = options;
        if matches!(kind, StorageKind::Nfs | StorageKind::Cifs) {
            let path = format!("/mnt/pve/{name}");
            storage.options.entry("path".into()).or_insert(path);
        }
        let answer = answer(&storage);
        state.storages.insert(name.to_owned(), storage);
        Ok(answer)
    })
}

/// `PUT /storage/{storage}`.
pub(crate) fn update(call: &Call) -> Result<Answer> {
    let params = &call.params;
    let name = params.text("storage");
    let failed = |words: String| ApiError::Failed(format!("update storage failed: {words}"));
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
            let words = format!("can't change value of fixed parameter '{fixed}'");
            return Err(failed(words));
        }
        let content = params.get("content").map(|given| content(rules, given));
        for option in split_list(params.text("delete")) {
            if rules.required.contains(&option) {
                let words = format!("unable to delete required option '{option}'");
                return Err(failed(words));
            }
            storage.options.remove(option);
        }
        if let Some(content) = content.transpose()? {
            storage.content = content;
        }
        storage.options.extend(options);
        Ok(answer(storage))
    })
}

fn check_digest(state: &State, params: &Params) -> Result<()> {
    let known = storage::digest(state.storages.values());
    match params.get("digest").filter(|digest| !digest.is_empty()) {
        Some(digest) if digest != known => Err(ApiError::failed(
            "update storage failed: detected modified configuration - \
             file changed by other user? Try again.",
        )),
        _ => Ok(()),
    }
}

/// `DELETE /storage/{storage}`: the content of the storage remains but is inaccessible.
pub(crate) fn delete(call: &Call) -> Result<Answer> {
    let name = call.params.text("storage");
    call.core.edit(|state| {
        let gone = state.storages.remove(name).map(drop);
        gone.ok_or_else(|| {
            let words = format!("delete storage failed: storage '{name}' does not exist");
            ApiError::Failed(words)
        })?;
        let path = format!("/storage/{name}");
        state.directory.grants.retain(|grant| grant.path != path);
        Ok(Answer::nothing())
    })
}
