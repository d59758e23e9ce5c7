//! `/access/domains`: authentication realms.

use serde_json::{Map, Value, json};

use crate::access::Realm;
use crate::access::auth::{AccessRequest, AccessRule};
use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::params::Params;
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::realm;
use crate::tasks::{self, Run};

/// Name, comment and plugin of the built-in realms.
const BUILT_IN: [(&str, &str, &str); 2] = [
    ("pam", "Linux PAM standard authentication", "PVE::Auth::PAM"),
    ("pve", "Proxmox VE authentication server", "PVE::Auth::PVE"),
];

/// Options that are never returned.
const SECRETS: [&str; 2] = ["password", "client-key"];

/// Parameters that are not options of a realm.
const NOT_OPTIONS: [&str; 5] = ["realm", "type", "delete", "digest", "check-connection"];

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let (all, item) = ("/access/domains", "/access/domains/{realm}");
    let sync_path = "/access/domains/{realm}/sync";
    let name = || vec![realm::id()];
    let path = "/access/realm";
    let allocate: &[&str] = &["Realm.Allocate"];
    vec![
        Route::new("GET", all, vec![], list).access_rule(AccessRule::World),
        Route::new("POST", all, realm::create(), create).every(path, allocate),
        Route::new("GET", item, name(), show).any(path, &["Realm.Allocate", "Sys.Audit"]),
        Route::new("PUT", item, realm::update(), update).every(path, allocate),
        Route::new("DELETE", item, name(), delete).every(path, allocate),
        Route::new("POST", sync_path, realm::sync(), sync)
            .access_rule(AccessRule::Custom(check_sync)),
    ]
}

/// `GET /access/domains`.
fn list(call: &Call) -> Result<ApiResponse> {
    let built_in = BUILT_IN
        .map(|(name, comment, _)| json!({ "realm": name, "type": name, "comment": comment }));
    let mut realms = built_in.to_vec();
    call.core.read(|state| {
        realms.extend(state.directory.realms.iter().map(|(name, realm)| {
            let mut entry = json!({ "realm": name, "type": realm.kind });
            let comment = realm.options.get("comment");
            if let (Some(members), Some(comment)) = (entry.as_object_mut(), comment) {
                members.insert("comment".into(), comment.as_str().into());
            }
            entry
        }));
    });
    Ok(Value::from(realms).into())
}

fn missing(id: &str) -> String {
    format!("domain '{id}' does not exist")
}

/// `GET /access/domains/{realm}`.
fn show(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("realm");
    let digest = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    if let Some((name, comment, plugin)) = BUILT_IN.iter().find(|(name, ..)| *name == id) {
        let entry = json!({ "type": name, "comment": comment, "plugin": plugin, "digest": digest });
        return Ok(entry.into());
    }
    call.core.read(|state| {
        let realm = state.directory.realms.get(id);
        let realm = realm.ok_or_else(|| ApiError::Failed(missing(id)))?;
        let mut entry = Map::new();
        for (name, value) in &realm.options {
            entry.insert(name.clone(), value.as_str().into());
        }
        entry.insert("type".into(), realm.kind.as_str().into());
        entry.insert("digest".into(), digest.into());
        Ok(Value::from(entry).into())
    })
}

fn options(params: &Params) -> impl Iterator<Item = (String, String)> {
    params
        .iter()
        .filter(|(name, _)| !NOT_OPTIONS.contains(name) && !SECRETS.contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// `POST /access/domains`.
fn create(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let (id, kind) = (params.text("realm"), params.text("type"));
    let required: &[&str] = match kind {
        "ldap" => &["base_dn", "server1", "user_attr"],
        "ad" => &["domain", "server1"],
        "openid" => &["client-id", "issuer-url"],
        _ => {
            let message = format!("unable to create builtin type '{kind}'");
            return Err(ApiError::Failed(message));
        }
    };
    if let Some(missing) = required.iter().find(|name| params.get(name).is_none()) {
        let message = format!("missing value for required option '{missing}'");
        return Err(ApiError::Failed(message));
    }
    call.core.edit(|state| {
        let realms = &mut state.directory.realms;
        if realms.contains_key(id) || BUILT_IN.iter().any(|(name, ..)| *name == id) {
            let message = format!("add auth server failed: domain '{id}' already exists");
            return Err(ApiError::Failed(message));
        }
        let realm = Realm {
            kind: kind.to_owned(),
            options: options(params).collect(),
        };
        realms.insert(id.to_owned(), realm);
        Ok(ApiResponse::null())
    })
}

/// `PUT /access/domains/{realm}`.
fn update(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("realm");
    call.core.edit(|state| {
        let realm = state.directory.realms.get_mut(id);
        let realm = realm.ok_or_else(|| {
            ApiError::Failed(format!("update auth server failed: {}", missing(id)))
        })?;
        for option in split_list(call.params.text("delete")) {
            realm.options.remove(option);
        }
        realm.options.extend(options(&call.params));
        Ok(ApiResponse::null())
    })
}

/// `DELETE /access/domains/{realm}`. The realm's users stay.
fn delete(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("realm");
    call.core.edit(|state| {
        let removed = state.directory.realms.remove(id).map(drop);
        removed.ok_or_else(|| {
            ApiError::Failed(format!("delete auth server failed: {}", missing(id)))
        })?;
        Ok(ApiResponse::null())
    })
}

/// Checks that the caller may create users in the realm and modify users.
fn check_sync(access: &AccessRequest) -> Result<()> {
    let path = "/access/realm/{realm}";
    access.check(AccessRule::Every(path, &["Realm.AllocateUser"]))?;
    access.check(AccessRule::Every("/access/groups", &["User.Modify"]))
}

/// `POST /access/domains/{realm}/sync`.
fn sync(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("realm");
    let built_in = BUILT_IN.iter().any(|(name, ..)| *name == id);
    let kind = call.core.read(|state| {
        let realm = state.directory.realms.get(id);
        realm.map(|realm| realm.kind.clone())
    });
    let kind = match kind {
        Some(kind) => kind,
        None if built_in => id.to_owned(),
        None => return Err(ApiError::Failed(missing(id))),
    };
    if !matches!(kind.as_str(), "ldap" | "ad") {
        let message =
            format!("Cannot sync realm type '{kind}'! Only LDAP/AD realms can be synced.");
        return Err(ApiError::Failed(message));
    }
    let node = call.core.config.scenario.nodes.first();
    let spec = tasks::TaskSpec {
        node: node.map_or("", |node| node.name.as_str()),
        kind: "auth-realm-sync",
        id,
        caller: &call.caller,
        failure: call.failure.clone(),
    };
    let (realm, dry) = (id.to_owned(), call.params.flag("dry-run"));
    let work = |run: Run| async move {
        run.log(format!("starting sync for realm {realm}"));
        run.pause(run.core.config.delays.stop).await?;
        run.log("got data from server, updating users");
        if dry {
            run.log("NOTE: Dry test run, changes were NOT written to the configuration.");
        }
        Ok(())
    };
    Ok(tasks::start(&call.core, &spec, work).into())
}
