//! `/access/ticket`: login with username and password.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::access::Directory;
use crate::access::auth::AccessRule;
use crate::call::{ApiResponse, Call};
use crate::clock::now;
use crate::error::{ApiError, Result};
use crate::roles;
use crate::route::Route;
use crate::schema::{boolean, named, text};

/// The capabilities of a user by section of the web interface: name, ACL path and privilege
/// prefixes.
const PARTS: [(&str, &str, &[&str]); 7] = [
    ("vms", "/vms", &["VM.", "Permissions."]),
    ("storage", "/storage", &["Datastore.", "Permissions."]),
    ("nodes", "/nodes", &["Sys.", "Permissions."]),
    ("access", "/access", &["User.", "Group.", "Permissions."]),
    ("dc", "/", &["Sys.Audit", "Sys.Modify", "SDN."]),
    ("sdn", "/sdn", &["SDN.", "Permissions."]),
    ("mapping", "/mapping", &["Mapping.", "Permissions."]),
];

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let credentials = vec![
        text("username").length(0, 64).required(),
        text("password").required(),
        text("realm").format(named::REALM).length(0, 32),
        text("otp"),
        text("path").requires("privs").length(0, 64),
        text("privs")
            .list(named::PRIVILEGE)
            .requires("path")
            .length(0, 64),
        text("tfa-challenge"),
        boolean("new-format"),
    ];
    vec![
        Route::new("GET", "/access/ticket", vec![], show).access_rule(AccessRule::World),
        Route::new("POST", "/access/ticket", credentials, login)
            .access_rule(AccessRule::World)
            .ticket_only(),
    ]
}

/// `GET /access/ticket`: exists only for HTML forms and returns nothing.
fn show(_: &Call) -> Result<ApiResponse> {
    Ok(ApiResponse::null())
}

/// `POST /access/ticket`. A valid ticket is accepted instead of the password.
fn login(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let mut user = params.text("username").to_owned();
    if let Some(realm) = params.get("realm") {
        user = format!("{user}@{realm}");
    }
    let (time, password) = (now().as_secs(), params.text("password"));
    let renews = call.core.key.user_of(password, time) == Some(user.as_str());
    let cap = call.core.read(|state| {
        let directory = &state.directory;
        let account = directory.users.get(&user)?;
        let password_matches = renews || account.password.as_deref() == Some(password);
        (password_matches && directory.is_active(&user, time)).then(|| caps(directory, &user))
    });
    let cap = cap.ok_or(ApiError::WrongPassword)?;
    call.core.edit_transient(|state| {
        let message = format!("successful auth for user '{user}'");
        let node = call.core.config.scenario.nodes.first();
        let node = node.map_or("", |node| node.name.as_str());
        state.journal.add(time, node, &user, message);
    });
    Ok(json!({
        "username": user,
        "ticket": call.core.key.ticket(&user, time),
        "CSRFPreventionToken": call.core.key.csrf(&user, time),
        "cap": cap,
    })
    .into())
}

fn caps(directory: &Directory, user: &str) -> Value {
    let part = |path: &str, begins: &[&str]| -> BTreeMap<String, u8> {
        let has = directory.privileges(user, path);
        let privileges = roles::ALL.into_iter().filter(|name| {
            has.contains_key(*name) && begins.iter().any(|begin| name.starts_with(begin))
        });
        privileges.map(|name| (name.to_owned(), 1)).collect()
    };
    let parts = PARTS.map(|(name, path, begins)| (name.to_owned(), json!(part(path, begins))));
    Value::Object(parts.into_iter().collect())
}
