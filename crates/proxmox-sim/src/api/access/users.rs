//! `/access/users`: user accounts.

mod token;

use serde_json::{Map, Value, json};

use crate::access::auth::{AccessRequest, AccessRule, has_privilege};
use crate::access::{Directory, ROOT, User};
use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::params::Params;
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::identity::userid;
use crate::schema::{Property, boolean, integer, named, text};

/// Attributes of a user that are stored as sent.
const ATTRIBUTES: [&str; 5] = ["comment", "email", "firstname", "keys", "lastname"];

/// The routes of this level and below.
pub(super) fn routes() -> Vec<Route> {
    let list_filter = vec![boolean("enabled"), boolean("full")];
    let new_user = concat(
        vec![user_property(), text("password").length(8, 64)],
        user_attributes(),
    );
    let changed = concat(
        vec![user_property(), boolean("append").requires("groups")],
        user_attributes(),
    );
    let item = "/access/users/{userid}";
    let modify = AccessRule::Custom(check_modify);
    let mut routes = vec![
        Route::new("GET", "/access/users", list_filter, list),
        Route::new("POST", "/access/users", new_user, create)
            .access_rule(AccessRule::Custom(check_create)),
        Route::new("GET", item, vec![user_property()], show).access_rule(modify),
        Route::new("PUT", item, changed, update).access_rule(modify),
        Route::new("DELETE", item, vec![user_property()], delete).access_rule(modify),
    ];
    routes.extend(token::routes());
    routes
}

/// The parameter `userid`.
pub(super) fn user_property() -> Property {
    text("userid")
        .format(named::USERID)
        .length(0, 64)
        .required()
}

fn user_attributes() -> Vec<Property> {
    vec![
        text("comment").length(0, 2048),
        text("email").format(named::EMAIL).length(0, 254),
        boolean("enable"),
        integer("expire").min(0),
        text("firstname").length(0, 1024),
        text("groups").list(named::GROUP),
        text("keys").pattern("[0-9a-zA-Z!=]{0,4096}"),
        text("lastname").length(0, 1024),
    ]
}

/// Joins two lists of parameters.
pub(super) fn concat(first: Vec<Property>, more: Vec<Property>) -> Vec<Property> {
    first.into_iter().chain(more).collect()
}

/// Checks that the caller may create and modify users. The format of the user ID is checked first.
fn check_create(access: &AccessRequest) -> Result<()> {
    let user = access.text("userid").unwrap_or_default();
    if access.sent.contains_key("userid") && userid(user).is_err() {
        let message = format!("value '{user}' does not look like a valid user name");
        return Err(ApiError::Failed(message));
    }
    check_modify(access)
}

/// Checks that the caller may modify users.
fn check_modify(access: &AccessRequest) -> Result<()> {
    if has_privilege(
        access.directory,
        access.caller,
        "/access/groups",
        "User.Modify",
    ) {
        return Ok(());
    }
    Err(ApiError::Forbidden(String::new()))
}

/// Checks that the account is the caller's own or that the caller may modify users.
pub(super) fn check_own_or_modify(access: &AccessRequest) -> Result<()> {
    if access.text("userid") == Some(access.caller.user()) {
        return Ok(());
    }
    check_modify(access)
}

/// The error of Proxmox for a user that does not exist.
fn missing(user: &str) -> ApiError {
    ApiError::Failed(format!("no such user ('{user}')"))
}

/// `GET /access/users`. Callers without the privilege to list users see only themselves.
fn list(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let enabled = params.get("enabled").map(|flag| flag == "1");
    let listed: Vec<Value> = call.core.read(|state| {
        let directory = &state.directory;
        let sees_all = ["User.Modify", "Sys.Audit"]
            .iter()
            .any(|privilege| has_privilege(directory, &call.caller, "/access/groups", privilege));
        let visible =
            |id: &str| sees_all || (call.caller.token().is_none() && id == call.caller.user());
        directory
            .users
            .iter()
            .filter(|(id, user)| visible(id) && enabled.is_none_or(|flag| flag == user.enabled))
            .map(|(id, user)| list_entry(directory, id, user, params.flag("full")))
            .collect()
    });
    Ok(Value::from(listed).into())
}

fn list_entry(directory: &Directory, id: &str, user: &User, full: bool) -> Value {
    let mut entry = to_json(user);
    entry.insert("userid".into(), id.into());
    let realm = id.split_once('@').map_or("", |(_, realm)| realm);
    entry.insert("realm-type".into(), realm.into());
    if full {
        let groups: Vec<&str> = user.groups.iter().map(String::as_str).collect();
        entry.insert("groups".into(), groups.join(",").into());
        let tokens: Vec<Value> = token::user_tokens(directory, id)
            .map(|(name, token)| token::list_entry(name, token))
            .collect();
        entry.insert("tokens".into(), tokens.into());
    }
    Value::Object(entry)
}

fn to_json(user: &User) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("enable".into(), u8::from(user.enabled).into());
    entry.insert("expire".into(), user.expire.into());
    for (name, value) in &user.attributes {
        entry.insert(name.clone(), value.as_str().into());
    }
    entry
}

/// `POST /access/users`.
fn create(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("userid");
    call.core.edit(|state| {
        let directory = &mut state.directory;
        if directory.users.contains_key(id) {
            let message = format!("create user failed: user '{id}' already exists");
            return Err(ApiError::Failed(message));
        }
        let mut user = User {
            enabled: true,
            password: call.params.get("password").map(str::to_owned),
            ..User::default()
        };
        apply_params(&mut user, &call.params);
        let unknown = user
            .groups
            .iter()
            .find(|group| !directory.groups.contains_key(*group));
        if let Some(group) = unknown {
            let message = format!("create user failed: no such group '{group}'");
            return Err(ApiError::Failed(message));
        }
        directory.users.insert(id.to_owned(), user);
        Ok(ApiResponse::null())
    })
}

fn apply_params(user: &mut User, params: &Params) {
    if let Some(flag) = params.get("enable") {
        user.enabled = flag == "1";
    }
    if let Some(expire) = params.number("expire") {
        user.expire = expire;
    }
    if let Some(groups) = params.get("groups") {
        if !params.flag("append") {
            user.groups.clear();
        }
        user.groups.extend(split_list(groups).map(str::to_owned));
    }
    for name in ATTRIBUTES {
        if let Some(value) = params.get(name) {
            user.attributes.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// `GET /access/users/{userid}`.
fn show(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("userid");
    call.core.read(|state| {
        let user = state.directory.users.get(id).ok_or_else(|| missing(id))?;
        let mut entry = to_json(user);
        entry.insert("groups".into(), json!(user.groups));
        let tokens: Map<String, Value> = token::user_tokens(&state.directory, id)
            .map(|(name, token)| (name.to_owned(), token::to_json(token)))
            .collect();
        let tokens = (!tokens.is_empty()).then_some(tokens);
        entry.insert("tokens".into(), json!(tokens));
        Ok(Value::Object(entry).into())
    })
}

/// `PUT /access/users/{userid}`.
fn update(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("userid");
    call.core.edit(|state| {
        let user = state
            .directory
            .users
            .get_mut(id)
            .ok_or_else(|| missing(id))?;
        apply_params(user, &call.params);
        Ok(ApiResponse::null())
    })
}

/// `DELETE /access/users/{userid}`: also deletes the user's tokens and access control entries.
fn delete(call: &Call) -> Result<ApiResponse> {
    let id = call.params.text("userid");
    if id == ROOT {
        return Err(ApiError::failed("cannot delete the root@pam user"));
    }
    call.core.edit(|state| {
        let directory = &mut state.directory;
        directory.users.remove(id).ok_or_else(|| missing(id))?;
        directory
            .tokens
            .retain(|token, _| Directory::user_of(token) != id);
        directory
            .grants
            .retain(|grant| Directory::user_of(&grant.id) != id);
        Ok(ApiResponse::null())
    })
}
