//! Groups and roles.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::access::roles;
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::schema::format::split_list;

/// `GET /access/groups`.
pub(crate) fn list(call: &Call) -> Result<ApiResponse> {
    let groups: Vec<Value> = call.core.read(|state| {
        let directory = &state.directory;
        let listed = directory.groups.iter().map(|(id, comment)| {
            let members = directory.users.iter();
            let members: Vec<&str> = members
                .filter(|(_, user)| user.groups.contains(id))
                .map(|(name, _)| name.as_str())
                .collect();
            let mut entry = json!({ "groupid": id, "users": members.join(",") });
            add_comment(&mut entry, comment.as_deref());
            entry
        });
        listed.collect()
    });
    Ok(Value::from(groups).into())
}

fn add_comment(entry: &mut Value, comment: Option<&str>) {
    if let (Some(members), Some(comment)) = (entry.as_object_mut(), comment) {
        members.insert("comment".into(), comment.into());
    }
}

/// `POST /access/groups`.
pub(crate) fn create(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("groupid");
    call.core.edit(|state| {
        let groups = &mut state.directory.groups;
        if groups.contains_key(id) {
            let message = format!("create group failed: group '{id}' already exists");
            return Err(ApiError::Failed(message));
        }
        groups.insert(id.to_owned(), call.params.get("comment").map(str::to_owned));
        Ok(ApiResponse::null())
    })
}

/// `GET /access/groups/{groupid}`.
pub(crate) fn show(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("groupid");
    call.core.read(|state| {
        let directory = &state.directory;
        let comment = directory
            .groups
            .get(id)
            .ok_or_else(|| ApiError::Failed(format!("group '{id}' does not exist")))?;
        let members = directory.users.iter();
        let members: Vec<&String> = members
            .filter(|(_, user)| user.groups.contains(id))
            .map(|(name, _)| name)
            .collect();
        let mut entry = json!({ "members": members });
        add_comment(&mut entry, comment.as_deref());
        Ok(entry.into())
    })
}

/// `DELETE /access/groups/{groupid}`.
pub(crate) fn delete(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("groupid");
    call.core.edit(|state| {
        let directory = &mut state.directory;
        directory.groups.remove(id).ok_or_else(|| {
            ApiError::Failed(format!("delete group failed: group '{id}' does not exist"))
        })?;
        for user in directory.users.values_mut() {
            user.groups.remove(id);
        }
        directory.grants.retain(|grant| grant.id != id);
        Ok(ApiResponse::null())
    })
}

/// `GET /access/roles`.
pub(crate) fn roles(call: &Call) -> Result<ApiResponse> {
    let listed: Vec<Value> = call.core.read(|state| {
        let built_in = roles::BUILT_IN.iter().map(|name| ((*name).to_owned(), 1));
        let custom = state.directory.roles.keys().map(|name| (name.clone(), 0));
        let entry = |(name, special): (String, u8)| {
            let privileges = state.directory.role(&name).unwrap_or_default();
            let privileges: Vec<String> = privileges.into_iter().collect();
            json!({ "roleid": name, "privs": privileges.join(","), "special": special })
        };
        built_in.chain(custom).map(entry).collect()
    });
    Ok(Value::from(listed).into())
}

/// `GET /access/roles/{roleid}`.
pub(crate) fn role(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("roleid");
    call.core.read(|state| {
        let privileges = state.directory.role(id).ok_or_else(|| missing(id))?;
        let flags: BTreeMap<String, u8> = privileges.into_iter().map(|name| (name, 1)).collect();
        Ok(json!(flags).into())
    })
}

fn missing(id: &str) -> ApiError {
    ApiError::Failed(format!("role '{id}' does not exist"))
}

/// `POST /access/roles`, and `PUT /access/roles/{roleid}`.
pub(crate) fn set_role(call: &Call) -> Result<ApiResponse> {
    let (id, creates) = (call.params.text("roleid"), call.method == "POST");
    if roles::built_in(id).is_some() {
        let message = format!("auto-generated role '{id}' cannot be modified");
        return Err(ApiError::Failed(message));
    }
    if creates && id.to_ascii_lowercase().starts_with("pve") {
        let message = "cannot use role ID starting with the (case-insensitive) 'PVE' namespace";
        return Err(ApiError::parameter("roleid", message));
    }
    let privileges: BTreeSet<String> = split_list(call.params.text("privs"))
        .map(str::to_owned)
        .collect();
    call.core.edit(|state| {
        let custom = &mut state.directory.roles;
        match (creates, custom.contains_key(id)) {
            (true, true) => {
                let message = format!("create role failed: role '{id}' already exists");
                Err(ApiError::Failed(message))
            }
            (false, false) => Err(missing(id)),
            _ => {
                custom.insert(id.to_owned(), privileges);
                Ok(ApiResponse::null())
            }
        }
    })
}

/// `DELETE /access/roles/{roleid}`.
pub(crate) fn delete_role(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("roleid");
    if roles::built_in(id).is_some() {
        let message = format!("auto-generated role '{id}' cannot be deleted");
        return Err(ApiError::Failed(message));
    }
    call.core.edit(|state| {
        let directory = &mut state.directory;
        directory.roles.remove(id).ok_or_else(|| missing(id))?;
        directory.grants.retain(|grant| grant.role != id);
        Ok(ApiResponse::null())
    })
}
