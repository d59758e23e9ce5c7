//! `/access/groups`.

use serde_json::{Value, json};

use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{named, text};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let group = || text("groupid").format(named::GROUP).required();
    let item = "/access/groups/{groupid}";
    let allocate: &[&str] = &["Group.Allocate"];
    vec![
        Route::new("GET", "/access/groups", vec![], list),
        Route::new(
            "POST",
            "/access/groups",
            vec![group(), text("comment")],
            create,
        )
        .every("/access/groups", allocate),
        Route::new("GET", item, vec![group()], show)
            .any("/access/groups", &["Sys.Audit", "Group.Allocate"]),
        Route::new("DELETE", item, vec![group()], delete).every("/access/groups", allocate),
    ]
}

/// `GET /access/groups`.
fn list(call: &Call) -> Result<ApiResponse> {
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
fn create(call: &Call) -> Result<ApiResponse> {
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
fn show(call: &Call) -> Result<ApiResponse> {
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
fn delete(call: &Call) -> Result<ApiResponse> {
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
