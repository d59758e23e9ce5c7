//! `/access/roles`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::roles;
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::{boolean, named, text};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let role = || text("roleid").format(named::ROLE).required();
    let privileges = || text("privs").list(named::PRIVILEGE);
    let item = "/access/roles/{roleid}";
    let modify: &[&str] = &["Sys.Modify"];
    vec![
        Route::new("GET", "/access/roles", vec![], list),
        Route::new("POST", "/access/roles", vec![role(), privileges()], set)
            .every("/access", modify),
        Route::new("GET", item, vec![role()], show),
        Route::new(
            "PUT",
            item,
            vec![role(), privileges(), boolean("append").requires("privs")],
            set,
        )
        .every("/access", modify),
        Route::new("DELETE", item, vec![role()], delete).every("/access", modify),
    ]
}

/// `GET /access/roles`.
fn list(call: &Call) -> Result<ApiResponse> {
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
fn show(call: &Call) -> Result<ApiResponse> {
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
fn set(call: &Call) -> Result<ApiResponse> {
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
fn delete(call: &Call) -> Result<ApiResponse> {
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
