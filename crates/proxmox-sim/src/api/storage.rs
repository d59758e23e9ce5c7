//! Storages and what lies on them.

use serde_json::{Value, json};

use super::volumes;
use crate::config::{StorageKind, StorageSpec};
use crate::error::{ApiError, Result};
use crate::routes::{Answer, Call};
use crate::schema::format::split_list;
use crate::state::{Kind, State, Volume};
use crate::{task, usage};

/// What Proxmox calls the kind of a storage.
pub(crate) fn plugin(storage: &StorageSpec) -> &'static str {
    match storage.kind {
        StorageKind::Directory => "dir",
        StorageKind::LvmThin => "lvmthin",
    }
}

fn describe(state: &State, node: &str, storage: &StorageSpec) -> Value {
    let used = state.used(node, storage);
    json!({
        "type": plugin(storage),
        "content": storage.content.join(","),
        "active": 1,
        "enabled": 1,
        "shared": 0,
        "total": storage.total,
        "used": used,
        "avail": storage.total - used,
    })
}

/// `GET /nodes/{node}/storage`. A `content` filter keeps what takes any of its kinds.
pub(crate) fn list(call: &Call) -> Result<Answer> {
    let wanted = |storage: &&StorageSpec| {
        let by_content = call
            .params
            .get("content")
            .is_none_or(|filter| split_list(filter).any(|kind| storage.content.contains(&kind)));
        by_content
            && call
                .params
                .get("storage")
                .is_none_or(|name| name == storage.name)
    };
    let entries: Vec<Value> = call.core.read(|state| {
        let storages = call.core.config.scenario.storages.iter().filter(wanted);
        let storages = storages.filter(|storage| call.sees_storage(state, &storage.name));
        let listed = storages.map(|storage| {
            let mut entry = usage::members(describe(state, call.node(), storage));
            let used = state.used(call.node(), storage);
            entry.insert("storage".into(), storage.name.as_str().into());
            entry.insert(
                "used_fraction".into(),
                (used as f64 / storage.total as f64).into(),
            );
            Value::Object(entry)
        });
        listed.collect()
    });
    Ok(Value::from(entries).into())
}

/// `GET …/status`. Here an unknown storage is a wrong parameter.
pub(crate) fn status(call: &Call) -> Result<Answer> {
    let name = call.params.text("storage");
    let storage = call.core.config.scenario.storage(name);
    let storage = storage.ok_or_else(|| ApiError::parameter("storage", "No such storage."))?;
    Ok(call
        .core
        .read(|state| describe(state, call.node(), storage))
        .into())
}

/// `GET …/content`.
pub(crate) fn content(call: &Call) -> Result<Answer> {
    let storage = volumes::storage(&call.core, call.params.text("storage"))?;
    let wanted = |volume: &&Volume| {
        let owner = match volume.kind {
            Kind::Disk { vmid } => Some(vmid.to_string()),
            Kind::Template { .. } | Kind::Image(_) => None,
        };
        volume.node == call.node()
            && volume.storage == storage.name
            && call
                .params
                .get("content")
                .is_none_or(|kind| kind == volume.content())
            && call
                .params
                .get("vmid")
                .is_none_or(|vmid| owner.as_deref() == Some(vmid))
    };
    let entries: Vec<Value> = call.core.read(|state| {
        let mut volumes: Vec<&Volume> = state.volumes.iter().filter(wanted).collect();
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        volumes.into_iter().map(entry).collect()
    });
    Ok(Value::from(entries).into())
}

fn entry(volume: &Volume) -> Value {
    let mut entry = usage::members(json!({
        "volid": volume.id(),
        "content": volume.content(),
        "format": file_format(&volume.name),
        "size": volume.size,
        "ctime": volume.created,
    }));
    if let Kind::Disk { vmid } = volume.kind {
        entry.insert("vmid".into(), vmid.into());
        entry.insert("parent".into(), Value::Null);
        entry.insert("used".into(), (volume.size / 6).into());
    }
    entry.into()
}

fn file_format(name: &str) -> &'static str {
    const ENDINGS: [(&str, &str); 6] = [
        (".tar.gz", "tgz"),
        (".tar.zst", "tzst"),
        (".tar.xz", "txz"),
        (".tar.bz2", "tbz2"),
        (".tar", "tar"),
        (".subvol", "subvol"),
    ];
    ENDINGS
        .iter()
        .find(|(ending, _)| name.ends_with(ending))
        .map_or("raw", |(_, kind)| kind)
}

/// `DELETE …/content/{volume}`: the volume with or without its storage. It is no error when there
/// is nothing of that name.
pub(crate) fn delete(call: &Call) -> Result<Answer> {
    let storage = volumes::storage(&call.core, call.params.text("storage"))?;
    let given = call.params.text("volume");
    let id = match given.split_once(':') {
        Some((name, _)) if name != storage.name => {
            return Err(ApiError::failed("storage name in volume ID does not match"));
        }
        Some(_) => given.to_owned(),
        None => format!("{}:{given}", storage.name),
    };
    if !id.contains('/') && storage.kind == StorageKind::Directory {
        return Err(ApiError::Failed(format!(
            "unable to parse directory volume name '{given}'"
        )));
    }
    let node = call.node().to_owned();
    let order = call.order("imgdel", &storage.name);
    let work = |run: task::Run| async move {
        run.core
            .edit(|state| state.remove_volumes(|v| v.node == node && v.id() == id));
        run.log(format!("Removed volume '{id}'"));
        Ok(())
    };
    Ok(task::start(&call.core, &order, work).into())
}
