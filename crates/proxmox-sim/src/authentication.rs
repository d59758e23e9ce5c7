//! Authentication of requests, by a ticket or an API token.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use percent_encoding::percent_decode_str;

use crate::access::Directory;
use crate::access::auth::{AccessRule, Caller};
use crate::clock::now;
use crate::cluster::core::Core;
use crate::error::{ApiError, Result};

/// The header that every write request with a ticket must carry.
const CSRF: &str = "CSRFPreventionToken";
const BAD: ApiError = ApiError::Unauthorized("Authentication failed!");

/// Authenticates a request. With a ticket, write requests must carry the CSRF prevention token.
/// Routes without authentication ignore tickets and accept requests without credentials.
pub(crate) fn authenticate(
    core: &Core,
    headers: &HeaderMap,
    method: &str,
    access_rule: AccessRule,
) -> Result<Caller> {
    let public = matches!(access_rule, AccessRule::World);
    if let Some(ticket) = ticket(headers).filter(|_| !public) {
        let time = now().as_secs();
        let user = core.key.user_of(&ticket, time).ok_or(BAD)?;
        if !core.read(|state| state.directory.is_active(user, time)) {
            return Err(BAD);
        }
        let csrf = text(headers, CSRF).unwrap_or_default();
        if method != "GET" && !core.key.is_csrf(csrf, user, time) {
            let reason = "Permission denied - invalid csrf token";
            return Err(ApiError::Unauthorized(reason));
        }
        return Ok(Caller { id: user.into() });
    }
    match credential(headers) {
        Some(credential) => token(core, &credential),
        None if public => Ok(Caller { id: String::new() }),
        None => Err(ApiError::Unauthorized("No ticket")),
    }
}

fn text(headers: &HeaderMap, name: impl axum::http::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The ticket from the cookie or the `Authorization` header, percent-decoded.
fn ticket(headers: &HeaderMap) -> Option<String> {
    let by_cookie = text(headers, COOKIE).and_then(|cookies| {
        let mut cookies = cookies.split(';').map(str::trim);
        cookies.find_map(|cookie| cookie.strip_prefix("PVEAuthCookie="))
    });
    let by_header =
        || text(headers, AUTHORIZATION).and_then(|text| text.strip_prefix("PVEAuthCookie="));
    let ticket = by_cookie.or_else(by_header)?;
    Some(percent_decode_str(ticket).decode_utf8_lossy().into_owned())
}

/// The token credential after `PVEAPIToken=` in the header. A space instead of `=` and
/// percent-encoding are accepted. Another scheme counts as a missing header.
fn credential(headers: &HeaderMap) -> Option<String> {
    let rest = text(headers, AUTHORIZATION)?.strip_prefix("PVEAPIToken")?;
    let rest = rest.strip_prefix(['=', ' '])?;
    Some(percent_decode_str(rest).decode_utf8_lossy().into_owned())
}

/// Authenticates `user@realm!id=secret`.
fn token(core: &Core, credential: &str) -> Result<Caller> {
    let (id, secret) = credential.split_once('=').ok_or(BAD)?;
    let time = now().as_secs();
    let valid = core.read(|state| {
        let directory = &state.directory;
        let token = directory.tokens.get(id);
        token.is_some_and(|token| {
            token.secret == secret && (token.expire == 0 || token.expire > time)
        }) && directory.is_active(Directory::user_of(id), time)
    });
    if valid {
        Ok(Caller { id: id.into() })
    } else {
        Err(BAD)
    }
}
