//! Access control entries and effective permissions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::access::{Directory, Grant, Subject};
use crate::auth::{Asking, may};
use crate::error::{ApiError, Result};
use crate::routes::{Answer, Call};
use crate::schema::format::split_list;

/// The first segments of valid ACL paths.
const ROOTS: [&str; 7] = [
    "access", "mapping", "nodes", "pool", "sdn", "storage", "vms",
];

/// Checks that the caller may change access control entries at the path.
pub(crate) fn may_modify(asking: &Asking) -> Result<()> {
    let path = asking.text("path").unwrap_or_default();
    if may(asking.directory, asking.caller, path, "Permissions.Modify") {
        return Ok(());
    }
    let words = format!("{path}, Permissions.Modify");
    Err(ApiError::Forbidden(words))
}

/// `GET /access/acl`: all entries, or without `Sys.Audit` only those that the caller may change.
pub(crate) fn list(call: &Call) -> Result<Answer> {
    let grants: Vec<Value> = call.core.read(|state| {
        let directory = &state.directory;
        let audits = may(directory, &call.caller, "/access", "Sys.Audit");
        let seen = |grant: &&Grant| {
            audits || may(directory, &call.caller, &grant.path, "Permissions.Modify")
        };
        directory
            .grants
            .iter()
            .filter(seen)
            .map(described)
            .collect()
    });
    Ok(Value::from(grants).into())
}

fn described(grant: &Grant) -> Value {
    json!({
        "path": grant.path,
        "type": grant.subject.word(),
        "ugid": grant.id,
        "roleid": grant.role,
        "propagate": u8::from(grant.propagate),
    })
}

/// `PUT /access/acl`: adds or removes entries.
pub(crate) fn update(call: &Call) -> Result<Answer> {
    let params = &call.params;
    let path = normal(params.text("path"))?;
    let propagate = params.get("propagate") != Some("0");
    let subjects = [
        ("users", Subject::User),
        ("groups", Subject::Group),
        ("tokens", Subject::Token),
    ];
    call.core.edit(|state| {
        for role in split_list(params.text("roles")) {
            if state.directory.role(role).is_none() {
                return Err(refused(format!("role '{role}' does not exist")));
            }
            for (name, subject) in subjects {
                for id in split_list(params.text(name)) {
                    check(&state.directory, subject, id)?;
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
        Ok(Answer::nothing())
    })
}

fn refused(words: String) -> ApiError {
    ApiError::Failed(format!("ACL update failed: {words}"))
}

fn check(directory: &Directory, subject: Subject, id: &str) -> Result<()> {
    let known = match subject {
        Subject::User => directory.users.contains_key(id),
        Subject::Group => directory.groups.contains_key(id),
        Subject::Token => directory.tokens.contains_key(id),
    };
    if known {
        return Ok(());
    }
    Err(refused(format!("{} '{id}' does not exist", subject.word())))
}

/// The path without a trailing slash, or an error if it is not a valid ACL path.
fn normal(path: &str) -> Result<String> {
    let trimmed = path.trim_end_matches('/');
    let mut parts = trimmed.split('/').skip(1);
    let known = trimmed.is_empty() || parts.next().is_some_and(|first| ROOTS.contains(&first));
    if !known || !path.starts_with('/') {
        return Err(ApiError::parameter(
            "path",
            format!("invalid ACL path '{path}'"),
        ));
    }
    Ok(if trimmed.is_empty() { "/" } else { trimmed }.to_owned())
}

/// `GET /access/permissions`: the effective permissions of the caller, or of another user if the
/// caller has `Sys.Audit`.
pub(crate) fn permissions(call: &Call) -> Result<Answer> {
    let params = &call.params;
    let who = params.get("userid").unwrap_or(&call.caller.id);
    call.core.read(|state| {
        let directory = &state.directory;
        if who != call.caller.id && !may(directory, &call.caller, "/access", "Sys.Audit") {
            return Err(ApiError::Forbidden("/access, Sys.Audit".into()));
        }
        let paths: BTreeSet<String> = match params.get("path") {
            Some(path) => BTreeSet::from([path.to_owned()]),
            None => places(directory),
        };
        let mut all: BTreeMap<String, Value> = BTreeMap::new();
        for path in paths {
            let has = directory.privileges(who, &path);
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
fn places(directory: &Directory) -> BTreeSet<String> {
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
