//! `/access/acl`: access control entries.

use serde_json::{Value, json};

use crate::access::auth::{AccessRequest, AccessRule, has_privilege};
use crate::access::{Directory, Grant, Subject};
use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::{boolean, named, text};

/// The first segments of valid ACL paths.
const ROOTS: [&str; 7] = [
    "access", "mapping", "nodes", "pool", "sdn", "storage", "vms",
];

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let grants = vec![
        text("path").required(),
        text("roles").list(named::ROLE).required(),
        text("users").list(named::USERID),
        text("groups").list(named::GROUP),
        text("tokens").list(named::TOKEN),
        boolean("propagate"),
        boolean("delete"),
    ];
    vec![
        Route::new("GET", "/access/acl", vec![], list),
        Route::new("PUT", "/access/acl", grants, update)
            .access_rule(AccessRule::Custom(check_modify)),
    ]
}

/// Checks that the caller may change access control entries at the path.
fn check_modify(access: &AccessRequest) -> Result<()> {
    let path = access.text("path").unwrap_or_default();
    if has_privilege(access.directory, access.caller, path, "Permissions.Modify") {
        return Ok(());
    }
    let message = format!("{path}, Permissions.Modify");
    Err(ApiError::Forbidden(message))
}

/// `GET /access/acl`: all entries, or without `Sys.Audit` only those that the caller may change.
fn list(call: &Call) -> Result<ApiResponse> {
    let grants: Vec<Value> = call.core.read(|state| {
        let directory = &state.directory;
        let audits = has_privilege(directory, &call.caller, "/access", "Sys.Audit");
        let visible = |grant: &&Grant| {
            audits || has_privilege(directory, &call.caller, &grant.path, "Permissions.Modify")
        };
        directory
            .grants
            .iter()
            .filter(visible)
            .map(to_json)
            .collect()
    });
    Ok(Value::from(grants).into())
}

fn to_json(grant: &Grant) -> Value {
    json!({
        "path": grant.path,
        "type": grant.subject.as_str(),
        "ugid": grant.id,
        "roleid": grant.role,
        "propagate": u8::from(grant.propagate),
    })
}

/// `PUT /access/acl`: adds or removes entries.
fn update(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let path = normalize_path(params.text("path"))?;
    let propagate = params.get("propagate") != Some("0");
    let subjects = [
        ("users", Subject::User),
        ("groups", Subject::Group),
        ("tokens", Subject::Token),
    ];
    call.core.edit(|state| {
        for role in split_list(params.text("roles")) {
            if state.directory.role(role).is_none() {
                return Err(acl_error(format!("role '{role}' does not exist")));
            }
            for (name, subject) in subjects {
                for id in split_list(params.text(name)) {
                    check_subject(&state.directory, subject, id)?;
                    let grant = Grant {
                        path: path.clone(),
                        subject,
                        id: id.to_owned(),
                        role: role.to_owned(),
                        propagate,
                    };
                    let same = |other: &Grant| {
                        (&other.path, other.subject, &other.id, &other.role)
                            == (&grant.path, subject, &grant.id, &grant.role)
                    };
                    state.directory.grants.retain(|other| !same(other));
                    if !params.flag("delete") {
                        state.directory.grants.insert(grant);
                    }
                }
            }
        }
        Ok(ApiResponse::null())
    })
}

fn acl_error(message: String) -> ApiError {
    ApiError::Failed(format!("ACL update failed: {message}"))
}

fn check_subject(directory: &Directory, subject: Subject, id: &str) -> Result<()> {
    let is_known = match subject {
        Subject::User => directory.users.contains_key(id),
        Subject::Group => directory.groups.contains_key(id),
        Subject::Token => directory.tokens.contains_key(id),
    };
    if is_known {
        return Ok(());
    }
    Err(acl_error(format!(
        "{} '{id}' does not exist",
        subject.as_str()
    )))
}

/// The path without a trailing slash, or an error if it is not a valid ACL path.
fn normalize_path(path: &str) -> Result<String> {
    let trimmed = path.trim_end_matches('/');
    let mut parts = trimmed.split('/').skip(1);
    let is_known = trimmed.is_empty() || parts.next().is_some_and(|first| ROOTS.contains(&first));
    if !is_known || !path.starts_with('/') {
        return Err(ApiError::parameter(
            "path",
            format!("invalid ACL path '{path}'"),
        ));
    }
    Ok(if trimmed.is_empty() { "/" } else { trimmed }.to_owned())
}
