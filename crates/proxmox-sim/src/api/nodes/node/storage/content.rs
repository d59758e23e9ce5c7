//! `/nodes/{node}/storage/{storage}/content`: the volumes of a storage.

use serde_json::{Map, Value, json};

use super::{VIEW, with_storage};
use crate::access::auth::require_privilege;
use crate::call::{ApiResponse, Call};
use crate::cluster::state::{Kind, State, Volume};
use crate::cluster::storage::Storage;
use crate::cluster::{usage, volumes};
use crate::config::StorageKind;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{Property, boolean, choice, integer, lxc, named, text};
use crate::{size, tasks};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let all = "/nodes/{node}/storage/{storage}/content";
    let item = "/nodes/{node}/storage/{storage}/content/{volume}";
    let filters = with_storage(vec![
        text("content").format(named::CONTENT),
        lxc::vmid("vmid"),
    ]);
    let new_disk = with_storage(vec![
        text("filename").required(),
        choice("format", &["raw", "qcow2", "subvol", "vmdk"]).requires("size"),
        text("size").pattern(r"\d+[MG]?").required(),
        lxc::vmid("vmid").required(),
    ]);
    // The storage may be part of the volume ID instead.
    let volume = |more: Vec<Property>| -> Vec<Property> {
        let storage = text("storage").format(named::STORAGE);
        let first = [lxc::node(), storage, text("volume").required()];
        first.into_iter().chain(more).collect()
    };
    let changed = volume(vec![text("notes"), boolean("protected")]);
    let removed = volume(vec![integer("delay").min(1).max(30)]);
    vec![
        Route::new("GET", all, filters, content).any("/storage/{storage}", VIEW),
        Route::new("POST", all, new_disk, allocate)
            .every("/storage/{storage}", &["Datastore.AllocateSpace"]),
        Route::new("GET", item, volume(vec![]), show),
        Route::new("PUT", item, changed, update),
        Route::new("DELETE", item, removed, delete),
    ]
}

/// `GET …/content`.
fn content(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    call.core.read(|state| {
        let storage = volumes::usable(state, call.node(), params.text("storage"))?;
        let requested = |volume: &&Volume| {
            let owner = volume.owner().map(|vmid| vmid.to_string());
            volume.storage == storage.name
                && state.is_visible(volume, call.node())
                && params
                    .get("content")
                    .is_none_or(|kind| kind == volume.content())
                && params
                    .get("vmid")
                    .is_none_or(|vmid| owner.as_deref() == Some(vmid))
        };
        let mut volumes: Vec<&Volume> = state.volumes.iter().filter(requested).collect();
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        let entries: Vec<Value> = volumes.into_iter().map(entry).collect();
        Ok(Value::from(entries).into())
    })
}

fn entry(volume: &Volume) -> Value {
    let mut entry = usage::members(json!({
        "volid": volume.id(),
        "content": volume.content(),
        "format": file_format(&volume.name),
        "size": volume.size,
        "ctime": volume.created,
    }));
    if let Some(vmid) = volume.owner() {
        entry.insert("vmid".into(), vmid.into());
    }
    match volume.kind {
        Kind::Disk { .. } => {
            entry.insert("parent".into(), Value::Null);
            entry.insert("used".into(), (volume.size / 6).into());
        }
        Kind::Backup(_) => {
            entry.insert("subtype".into(), "lxc".into());
        }
        _ => {}
    }
    add_attributes(&mut entry, volume);
    entry.into()
}

fn add_attributes(entry: &mut Map<String, Value>, volume: &Volume) {
    if let Some(notes) = &volume.notes {
        entry.insert("notes".into(), notes.as_str().into());
    }
    if volume.protected {
        entry.insert("protected".into(), 1.into());
    }
}

fn file_format(name: &str) -> &'static str {
    const ENDINGS: [(&str, &str); 10] = [
        (".tar.gz", "tgz"),
        (".tar.zst", "tar.zst"),
        (".tar.lzo", "tar.lzo"),
        (".tar.xz", "txz"),
        (".tar.bz2", "tbz2"),
        (".tar", "tar"),
        (".subvol", "subvol"),
        (".qcow2", "qcow2"),
        (".iso", "iso"),
        ("Z", "pbs-ct"),
    ];
    if name.starts_with("vztmpl/") && name.ends_with(".tar.zst") {
        return "tzst";
    }
    ENDINGS
        .iter()
        .find(|(ending, _)| name.ends_with(ending))
        .map_or("raw", |(_, kind)| kind)
}

/// The ID of the volume in the URL, which may omit the storage.
fn address(call: &Call, state: &State) -> Result<String> {
    let storage = volumes::storage(state, call.params.text("storage"))?;
    let volume = call.params.text("volume");
    let id = match volume.split_once(':') {
        Some((name, _)) if name != storage.name => {
            return Err(ApiError::failed("storage name in volume ID does not match"));
        }
        Some(_) => volume.to_owned(),
        None => format!("{}:{volume}", storage.name),
    };
    if !id.contains('/') && storage.rules().has_files {
        return Err(ApiError::Failed(format!(
            "unable to parse directory volume name '{volume}'"
        )));
    }
    Ok(id)
}

/// `GET …/content/{volume}`.
fn show(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let id = address(call, state)?;
        let volume = state.volume(call.node(), &id);
        let missing = || ApiError::Failed(format!("volume_size_info on '{id}' failed"));
        let volume = volume.ok_or_else(missing)?;
        let storage = volumes::storage(state, &volume.storage)?;
        let file = volume.name.rsplit('/').next().unwrap_or_default();
        let path = match storage.kind {
            StorageKind::LvmThin => format!("/dev/pve/{file}"),
            StorageKind::ZfsPool => format!("/{}/{file}", storage.name),
            _ => format!("{}/{file}", storage.folder(volume.content())),
        };
        let mut entry = usage::members(json!({
            "path": path,
            "format": "raw",
            "size": volume.size,
            "used": volume.size,
        }));
        add_attributes(&mut entry, volume);
        Ok(Value::from(entry).into())
    })
}

/// `PUT …/content/{volume}`: sets notes and protection, for backups only.
fn update(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    call.core.edit(|state| {
        let id = address(call, state)?;
        let path = format!("/storage/{}", params.text("storage"));
        let privileges = ["Datastore.Allocate", "Datastore.AllocateSpace"];
        require_privilege(&state.directory, &call.caller, &path, &privileges)?;
        let node = call.node();
        let shared = volumes::storage(state, params.text("storage"))?.is_shared();
        let mut volumes = state.volumes.iter_mut();
        let found = volumes.find(|volume| (shared || volume.node == node) && volume.id() == id);
        let volume = found.ok_or_else(|| ApiError::Failed(format!("no such volume '{id}'")))?;
        let attribute = ["notes", "protected"]
            .into_iter()
            .find(|name| params.get(name).is_some());
        if let Some(name) = attribute.filter(|_| volume.content() != "backup") {
            let message = format!("attribute '{name}' is not supported for this content type");
            return Err(ApiError::Failed(message));
        }
        if let Some(notes) = params.get("notes") {
            volume.notes = Some(notes.to_owned()).filter(|notes| !notes.is_empty());
        }
        if params.get("protected").is_some() {
            volume.protected = params.flag("protected");
        }
        Ok(ApiResponse::null())
    })
}

/// `POST …/content`: allocates an empty disk for a container and returns its volume ID.
fn allocate(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let (vmid, name) = (params.vmid(), params.text("filename"));
    let bytes = match params.text("size").trim_end() {
        text if text.ends_with(['M', 'G']) => size::parse(text),
        text => size::scale(text, 1 << 10),
    };
    let bytes = bytes.ok_or_else(|| ApiError::failed("unable to parse size"))?;
    call.core.edit(|state| {
        let storage = volumes::usable(state, call.node(), params.text("storage"))?;
        if !name.starts_with(&format!("vm-{vmid}-"))
            && !name.starts_with(&format!("subvol-{vmid}-"))
        {
            let message = format!("illegal name '{name}' - should be 'vm-{vmid}-*'");
            return Err(ApiError::Failed(message));
        }
        let whole = if storage.rules().has_files {
            format!("{vmid}/{name}")
        } else {
            name.to_owned()
        };
        let location = (call.node(), storage.name.as_str());
        let volume = Volume::new(location, &whole, bytes, Kind::Disk { vmid });
        let id = volume.id();
        if state.volume(call.node(), &id).is_some() {
            let folder = storage.folder("images");
            let message = format!("disk image '{folder}/{whole}' already exists");
            return Err(ApiError::Failed(message));
        }
        state.volumes.push(volume);
        Ok(Value::from(id).into())
    })
}

/// `DELETE …/content/{volume}`: the volume ID may omit the storage. Deleting a volume that does not
/// exist succeeds. Deleting a backup requires the privilege to create it.
fn delete(call: &Call) -> Result<ApiResponse> {
    let id = call.core.read(|state| {
        let id = address(call, state)?;
        let path = format!("/storage/{}", call.params.text("storage"));
        let privilege = match id.contains(":backup/") {
            true => "Datastore.AllocateSpace",
            false => "Datastore.Allocate",
        };
        require_privilege(&state.directory, &call.caller, &path, &[privilege])?;
        Ok::<String, ApiError>(id)
    })?;
    let storage = call.params.text("storage").to_owned();
    let spec = call.spec("imgdel", &storage);
    let (node, name) = (call.node().to_owned(), storage.clone());
    let work = move |run: tasks::Run| async move {
        run.core.edit(|state| {
            if state
                .volume(&node, &id)
                .is_some_and(|volume| volume.protected)
            {
                let volume = id.split_once(':').map_or("", |(_, volume)| volume);
                return Err(format!(
                    "cannot remove protected volume '{volume}' on '{name}'"
                ));
            }
            let shared = state.storages.get(&name).is_some_and(Storage::is_shared);
            state.remove_volumes(|v| (shared || v.node == node) && v.id() == id);
            Ok(())
        })?;
        run.log(format!("Removed volume '{id}'"));
        Ok(())
    };
    Ok(tasks::start(&call.core, &spec, work).into())
}
