//! `/access/permissions`: effective permissions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::access::Directory;
use crate::access::auth::has_privilege;
use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{identity, text};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let permissions_of = vec![
        text("userid").pattern(identity::USER_OR_TOKEN),
        text("path"),
    ];
    vec![Route::new(
        "GET",
        "/access/permissions",
        permissions_of,
        permissions,
    )]
}

/// `GET /access/permissions`: the effective permissions of the caller, or of another user if the
/// caller has `Sys.Audit`.
fn permissions(call: &Call) -> Result<ApiResponse> {
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
