//! `/access/users/{userid}/token`: API tokens of an account.

use serde_json::{Map, Value, json};

use super::{check_own_or_modify, concat, user_property};
use crate::access::auth::AccessRule;
use crate::access::{Directory, Token};
use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::{boolean, identity, integer, named, text};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let id = || {
        vec![
            user_property(),
            text("tokenid").pattern(identity::TOKEN_NAME).required(),
        ]
    };
    let attributes = || {
        vec![
            text("comment"),
            integer("expire").min(0),
            boolean("privsep"),
        ]
    };
    let regenerate = concat(
        attributes(),
        vec![text("delete").list(named::CONFIG_ID), boolean("regenerate")],
    );
    let all = "/access/users/{userid}/token";
    let item = "/access/users/{userid}/token/{tokenid}";
    let own = AccessRule::Custom(check_own_or_modify);
    vec![
        Route::new("GET", all, vec![user_property()], list).access_rule(own),
        Route::new("GET", item, id(), show).access_rule(own),
        Route::new("POST", item, concat(id(), attributes()), create).access_rule(own),
        Route::new("PUT", item, concat(id(), regenerate), update).access_rule(own),
        Route::new("DELETE", item, id(), delete).access_rule(own),
    ]
}

/// The tokens of a user: token ID without the user ID, and token.
pub(super) fn user_tokens<'a>(
    directory: &'a Directory,
    user: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Token)> {
    directory.tokens.iter().filter_map(move |(id, token)| {
        let (owner, name) = id.split_once('!')?;
        (owner == user).then_some((name, token))
    })
}

/// The JSON of a token, without its secret.
pub(super) fn to_json(token: &Token) -> Value {
    let mut entry = Map::new();
    entry.insert("privsep".into(), u8::from(token.separate).into());
    entry.insert("expire".into(), token.expire.into());
    if let Some(comment) = &token.comment {
        entry.insert("comment".into(), comment.as_str().into());
    }
    Value::Object(entry)
}

/// The JSON of a token with its token ID.
pub(super) fn list_entry(name: &str, token: &Token) -> Value {
    let mut entry = to_json(token);
    if let Some(members) = entry.as_object_mut() {
        members.insert("tokenid".into(), name.into());
    }
    entry
}

fn id(call: &Call) -> String {
    let params = &call.params;
    format!("{}!{}", params.text("userid"), params.text("tokenid"))
}

fn missing(call: &Call) -> ApiError {
    let (user, token) = (call.params.text("userid"), call.params.text("tokenid"));
    ApiError::Failed(format!("no such token '{token}' for user '{user}'"))
}

fn secret() -> String {
    let hex = |count: usize| -> String {
        (0..count)
            .map(|_| format!("{:x}", rand::random::<u8>() % 16))
            .collect()
    };
    format!("{}-{}-{}-{}-{}", hex(8), hex(4), hex(4), hex(4), hex(12))
}

/// `GET …/token`.
fn list(call: &Call) -> Result<ApiResponse> {
    let user = call.params.text("userid");
    let tokens: Vec<Value> = call.core.read(|state| {
        user_tokens(&state.directory, user)
            .map(|(name, token)| list_entry(name, token))
            .collect()
    });
    Ok(Value::from(tokens).into())
}

/// `GET …/token/{tokenid}`.
fn show(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let token = state.directory.tokens.get(&id(call));
        Ok(to_json(token.ok_or_else(|| missing(call))?).into())
    })
}

/// `POST …/token/{tokenid}`. Only this response contains the secret.
fn create(call: &Call) -> Result<ApiResponse> {
    let (params, id) = (&call.params, id(call));
    let token = Token {
        secret: secret(),
        expire: params.number("expire").unwrap_or_default(),
        separate: params.get("privsep") != Some("0"),
        comment: params.get("comment").map(str::to_owned),
    };
    let mut info = Map::new();
    info.insert("privsep".into(), u8::from(token.separate).into());
    for name in ["comment", "expire"] {
        if let Some(value) = params.get(name) {
            info.insert(name.into(), value.into());
        }
    }
    let answer = json!({ "full-tokenid": id, "value": token.secret, "info": info });
    call.core.edit(|state| {
        let directory = &mut state.directory;
        let user = params.text("userid");
        if !directory.users.contains_key(user) {
            return Err(super::missing(user));
        }
        if directory.tokens.contains_key(&id) {
            return Err(ApiError::parameter("tokenid", "Token already exists."));
        }
        directory.tokens.insert(id, token);
        Ok(answer.into())
    })
}

/// `PUT …/token/{tokenid}`.
fn update(call: &Call) -> Result<ApiResponse> {
    let (params, id) = (&call.params, id(call));
    call.core.edit(|state| {
        let token = state
            .directory
            .tokens
            .get_mut(&id)
            .ok_or_else(|| missing(call))?;
        for option in split_list(params.text("delete")) {
            match option {
                "comment" => token.comment = None,
                "expire" => token.expire = 0,
                "privsep" => token.separate = true,
                _ => {}
            }
        }
        if let Some(expire) = params.number("expire") {
            token.expire = expire;
        }
        if let Some(flag) = params.get("privsep") {
            token.separate = flag != "0";
        }
        if let Some(comment) = params.get("comment") {
            token.comment = Some(comment.to_owned());
        }
        let mut entry = to_json(token);
        if params.flag("regenerate") {
            token.secret = secret();
            if let Some(members) = entry.as_object_mut() {
                members.insert("full-tokenid".into(), id.as_str().into());
                members.insert("value".into(), token.secret.as_str().into());
            }
        }
        Ok(entry.into())
    })
}

/// `DELETE …/token/{tokenid}`.
fn delete(call: &Call) -> Result<ApiResponse> {
    let id = id(call);
    call.core.edit(|state| {
        let directory = &mut state.directory;
        directory.tokens.remove(&id).ok_or_else(|| missing(call))?;
        directory.grants.retain(|grant| grant.id != id);
        Ok(ApiResponse::null())
    })
}
