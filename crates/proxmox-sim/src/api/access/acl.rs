//! Access control entries and effective permissions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::access::auth::{AccessRequest, has_privilege};
use crate::access::{Directory, Grant, Subject};
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::schema::format::split_list;

/// The first segments of valid ACL paths.
const ROOTS: [&str; 7] = [
    "access", "mapping", "nodes", "pool", "sdn", "storage", "vms",
];

/// Checks that the caller may change access control entries at the path.
pub(crate) fn check_modify(access: &AccessRequest) -> Result<()> {
    let path = access.text("path").unwrap_or_default();
    if has_privilege(access.directory, access.caller, path, "Permissions.Modify") {
        return Ok(());
    }
    let message = format!("{path}, Permissions.Modify");
    Err(ApiError::Forbidden(message))
}

/// `GET /access/acl`: all entries, or without `Sys.Audit` only those that the caller may change.
pub(crate) fn list(call: &Call) -> Result<ApiResponse> {
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
pub(crate) fn update(call: &Call) -> Result<ApiResponse> {
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

/// `GET /access/permissions`: the effective permissions of the caller, or of another user if the
/// caller has `Sys.Audit`.
pub(crate) fn permissions(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let userid = params.get("userid").unwrap_or(&call.caller.id);
    call.core.read(|state| {
        let directory = &state.directory;
        if userid != call.caller.id
            && !has_privilege(directory, &call.caller, "/access", "Sys.Audit")
        {
            return Err(ApiError::Forbidden("/access, Sys.Audit".into()));
        }
        let paths: BTreeSet<String> = match params.get("path") {
            Some(path) => BTreeSet::from([path.to_owned()]),
            None => permission_paths(directory),
        };
        let mut all: BTreeMap<String, Value> = BTreeMap::new();
        for path in paths {
            let has = directory.privileges(userid, &path);
            if has.is_empty() && params.get("path").is_none() {
                continue;
            }
            let flags = has.into_iter().map(|(name, below)| (name, u8::from(below)));
            all.insert(path, json!(flags.collect::<BTreeMap<_, _>>()));
        }
        Ok(json!(all).into())
    })
}

/// All paths at which a user can have permissions: those with entries, and the members of pools.
fn permission_paths(directory: &Directory) -> BTreeSet<String> {
    let granted = directory.grants.iter().map(|grant| grant.path.clone());
    let members = directory.pools.values().flat_map(|pool| {
        let vms = pool.vms.iter().map(|vmid| format!("/vms/{vmid}"));
        vms.chain(
            pool.storages
                .iter()
                .map(|storage| format!("/storage/{storage}")),
        )
    });
    let top = [
        "/", "/access", "/nodes", "/pool", "/sdn", "/storage", "/vms",
    ];
    granted
        .chain(members)
        .chain(top.map(str::to_owned))
        .collect()
}
