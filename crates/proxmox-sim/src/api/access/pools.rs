//! Resource pools.

use serde_json::{Value, json};

use crate::access::{Directory, Pool};
use crate::auth::may;
use crate::error::{ApiError, Result};
use crate::routes::{Answer, Call};
use crate::schema::format::split_list;

/// `GET /pools`, and `GET /pools/{poolid}`.
pub(crate) fn list(call: &Call) -> Result<Answer> {
    let wanted = call.params.get("poolid");
    let pools: Vec<Value> = call.core.read(|state| {
        let directory = &state.directory;
        let seen = |id: &str| {
            wanted.is_none_or(|wanted| wanted == id)
                && ["Pool.Audit", "Pool.Allocate"]
                    .iter()
                    .any(|name| may(directory, &call.caller, &format!("/pool/{id}"), name))
        };
        let pools = directory.pools.iter().filter(|(id, _)| seen(id));
        pools
            .map(|(id, pool)| {
                let mut entry = json!({ "poolid": id });
                if let (Some(members), Some(comment)) = (entry.as_object_mut(), &pool.comment) {
                    members.insert("comment".into(), comment.as_str().into());
                }
                if let (Some(members), true) = (entry.as_object_mut(), wanted.is_some()) {
                    let inside = super::super::cluster::members_of(call, state, pool);
                    members.insert("members".into(), inside.into());
                }
                entry
            })
            .collect()
    });
    match wanted {
        Some(id) if pools.is_empty() => Err(ApiError::Failed(format!("no such pool '{id}'"))),
        _ => Ok(Value::from(pools).into()),
    }
}

/// `POST /pools`.
pub(crate) fn create(call: &Call) -> Result<Answer> {
    let id = call.params.text("poolid");
    let failed = |words: String| ApiError::Failed(format!("create pool failed: {words}"));
    call.core.edit(|state| {
        let pools = &mut state.directory.pools;
        if pools.contains_key(id) {
            return Err(failed(format!("pool '{id}' already exists")));
        }
        if let Some((parent, _)) = id.rsplit_once('/')
            && !pools.contains_key(parent)
        {
            let words = format!("parent '{parent}' of pool '{id}' does not exist");
            return Err(failed(words));
        }
        let pool = Pool {
            comment: call.params.get("comment").map(str::to_owned),
            ..Pool::default()
        };
        pools.insert(id.to_owned(), pool);
        Ok(Answer::nothing())
    })
}

/// `PUT /pools`, and `PUT /pools/{poolid}`: sets the comment, and adds or removes members.
pub(crate) fn update(call: &Call) -> Result<Answer> {
    let params = &call.params;
    let id = params.text("poolid");
    let failed = |words: String| ApiError::Failed(format!("update pools failed: {words}"));
    let vms: Vec<u32> = split_list(params.text("vms"))
        .filter_map(|vmid| vmid.parse().ok())
        .collect();
    call.core.edit(|state| {
        let directory = &mut state.directory;
        if !directory.pools.contains_key(id) {
            return Err(failed(format!("pool '{id}' does not exist")));
        }
        for vmid in &vms {
            claim(directory, id, *vmid, call).map_err(failed)?;
        }
        let Some(pool) = directory.pools.get_mut(id) else {
            return Ok(Answer::nothing());
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
        Ok(Answer::nothing())
    })
}

/// Adds a container to a pool, or removes it.
fn claim(
    directory: &mut Directory,
    pool: &str,
    vmid: u32,
    call: &Call,
) -> std::result::Result<(), String> {
    let present = directory.pool_of(vmid).map(str::to_owned);
    if call.params.flag("delete") {
        if present.as_deref() != Some(pool) {
            return Err(format!("VM {vmid} is not a pool member"));
        }
    } else if let Some(other) = present.as_deref().filter(|other| *other != pool)
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
pub(crate) fn delete(call: &Call) -> Result<Answer> {
    let id = call.params.text("poolid");
    let failed = |words: String| Err(ApiError::Failed(format!("delete pool failed: {words}")));
    call.core.edit(|state| {
        let here: Vec<u32> = state.containers.keys().copied().collect();
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
        if let Some(vmid) = pool.vms.iter().find(|vmid| here.contains(vmid)) {
            return failed(format!("pool '{id}' is not empty (contains VM {vmid})"));
        }
        if let Some(storage) = pool.storages.iter().next() {
            return failed(format!(
                "pool '{id}' is not empty (contains storage '{storage}')"
            ));
        }
        pools.remove(id);
        Ok(Answer::nothing())
    })
}
