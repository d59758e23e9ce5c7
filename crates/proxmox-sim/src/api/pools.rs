//! `/pools`: resource pools.

use serde_json::{Value, json};

use super::cluster::resources::members_of;
use crate::access::auth::has_privilege;
use crate::access::{Directory, Pool};
use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::{boolean, choice, named, text};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let id = || text("poolid").format(named::POOL);
    let members = || {
        vec![
            id().required(),
            text("comment"),
            text("vms").list(named::VMID),
            text("storage").list(named::STORAGE),
            boolean("delete"),
            boolean("allow-move"),
        ]
    };
    let kind = choice("type", &["qemu", "lxc", "storage"]).requires("poolid");
    let (all, item) = ("/pools", "/pools/{poolid}");
    let pool = "/pool/{poolid}";
    let allocate: &[&str] = &["Pool.Allocate"];
    vec![
        Route::new("GET", all, vec![id(), kind], list),
        Route::new("POST", all, vec![id().required(), text("comment")], create)
            .every(pool, allocate),
        Route::new("PUT", all, members(), update).every(pool, allocate),
        Route::new("DELETE", all, vec![id().required()], delete).every(pool, allocate),
        Route::new("PUT", item, members(), update).every(pool, allocate),
        Route::new("DELETE", item, vec![id().required()], delete).every(pool, allocate),
    ]
}

/// `GET /pools`, and `GET /pools/{poolid}`.
fn list(call: &Call) -> Result<ApiResponse> {
    let requested = call.params.get("poolid");
    let pools: Vec<Value> = call.core.read(|state| {
        let directory = &state.directory;
        let visible = |id: &str| {
            requested.is_none_or(|requested| requested == id)
                && ["Pool.Audit", "Pool.Allocate"].iter().any(|name| {
                    has_privilege(directory, &call.caller, &format!("/pool/{id}"), name)
                })
        };
        let pools = directory.pools.iter().filter(|(id, _)| visible(id));
        pools
            .map(|(id, pool)| {
                let mut entry = json!({ "poolid": id });
                if let (Some(members), Some(comment)) = (entry.as_object_mut(), &pool.comment) {
                    members.insert("comment".into(), comment.as_str().into());
                }
                if let (Some(members), true) = (entry.as_object_mut(), requested.is_some()) {
                    let members_json = members_of(call, state, pool);
                    members.insert("members".into(), members_json.into());
                }
                entry
            })
            .collect()
    });
    match requested {
        Some(id) if pools.is_empty() => Err(ApiError::Failed(format!("no such pool '{id}'"))),
        _ => Ok(Value::from(pools).into()),
    }
}

/// `POST /pools`.
fn create(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("poolid");
    let failed = |message: String| ApiError::Failed(format!("create pool failed: {message}"));
    call.core.edit(|state| {
        let pools = &mut state.directory.pools;
        if pools.contains_key(id) {
            return Err(failed(format!("pool '{id}' already exists")));
        }
        if let Some((parent, _)) = id.rsplit_once('/')
            && !pools.contains_key(parent)
        {
            let message = format!("parent '{parent}' of pool '{id}' does not exist");
            return Err(failed(message));
        }
        let pool = Pool {
            comment: call.params.get("comment").map(str::to_owned),
            ..Pool::default()
        };
        pools.insert(id.to_owned(), pool);
        Ok(ApiResponse::null())
    })
}

/// `PUT /pools`, and `PUT /pools/{poolid}`: sets the comment, and adds or removes members.
fn update(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let id = params.text("poolid");
    let failed = |message: String| ApiError::Failed(format!("update pools failed: {message}"));
    let vms: Vec<u32> = split_list(params.text("vms"))
        .filter_map(|vmid| vmid.parse().ok())
        .collect();
    call.core.edit(|state| {
        let directory = &mut state.directory;
        if !directory.pools.contains_key(id) {
            return Err(failed(format!("pool '{id}' does not exist")));
        }
        for vmid in &vms {
            set_membership(directory, id, *vmid, call).map_err(failed)?;
        }
        let Some(pool) = directory.pools.get_mut(id) else {
            return Ok(ApiResponse::null());
        };
        if let Some(comment) = params.get("comment") {
            pool.comment = Some(comment.to_owned());
        }
        for storage in split_list(params.text("storage")) {
            if params.flag("delete") {
                pool.storages.remove(storage);
            } else {
                pool.storages.insert(storage.to_owned());
            }
        }
        Ok(ApiResponse::null())
    })
}

/// Adds a container to a pool, or removes it.
fn set_membership(
    directory: &mut Directory,
    pool: &str,
    vmid: u32,
    call: &Call,
) -> std::result::Result<(), String> {
    let current = directory.pool_of(vmid).map(str::to_owned);
    if call.params.flag("delete") {
        if current.as_deref() != Some(pool) {
            return Err(format!("VM {vmid} is not a pool member"));
        }
    } else if let Some(other) = current.as_deref().filter(|other| *other != pool)
        && !call.params.flag("allow-move")
    {
        return Err(format!(
            "VM {vmid} belongs already to pool '{other}' and 'allow-move' is not set"
        ));
    }
    for other in directory.pools.values_mut() {
        other.vms.remove(&vmid);
    }
    if !call.params.flag("delete")
        && let Some(pool) = directory.pools.get_mut(pool)
    {
        pool.vms.insert(vmid);
    }
    Ok(())
}

/// `DELETE /pools`, and `DELETE /pools/{poolid}`: fails unless the pool is empty.
fn delete(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("poolid");
    let failed = |message: String| Err(ApiError::Failed(format!("delete pool failed: {message}")));
    call.core.edit(|state| {
        let existing: Vec<u32> = state.containers.keys().copied().collect();
        let pools = &mut state.directory.pools;
        let Some(pool) = pools.get(id) else {
            return failed(format!("pool '{id}' does not exist"));
        };
        let below = format!("{id}/");
        if let Some(child) = pools.keys().find(|other| other.starts_with(&below)) {
            return failed(format!(
                "pool '{id}' is not empty (contains pool '{child}')"
            ));
        }
        // Deleted containers do not prevent the removal.
        if let Some(vmid) = pool.vms.iter().find(|vmid| existing.contains(vmid)) {
            return failed(format!("pool '{id}' is not empty (contains VM {vmid})"));
        }
        if let Some(storage) = pool.storages.iter().next() {
            return failed(format!(
                "pool '{id}' is not empty (contains storage '{storage}')"
            ));
        }
        pools.remove(id);
        Ok(ApiResponse::null())
    })
}
