//! Authentication by ticket or token, and authorization of requests. Error messages are those of
//! Proxmox.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use percent_encoding::percent_decode_str;

use crate::access::{Directory, ROOT};
use crate::clock::now;
use crate::cluster::core::Core;
use crate::error::{ApiError, Result};
use crate::http::body::RawParams;
use crate::http::params::Raw;

/// The header that every write request with a ticket must carry.
const CSRF: &str = "CSRFPreventionToken";
const BAD: ApiError = ApiError::Unauthorized("Authentication failed!");

/// The user or token that a request was authenticated as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The user ID, or the full token ID such as `root@pam!holdfast`. Empty if not authenticated.
    pub(crate) id: String,
}

impl Caller {
    /// The user ID without the token.
    pub(crate) fn user(&self) -> &str {
        Directory::user_of(&self.id)
    }

    /// The token name without the user ID.
    pub(crate) fn token(&self) -> Option<&str> {
        self.id.split_once('!').map(|(_, token)| token)
    }

    /// Whether this is root with a ticket. A token of root does not count.
    pub(crate) fn is_root(&self) -> bool {
        self.id == ROOT
    }
}

/// What a route requires of its caller.
#[derive(Clone, Copy)]
pub(crate) enum AccessRule {
    /// No authentication.
    World,
    /// Authentication only.
    All,
    /// All of these privileges at a path.
    Every(&'static str, &'static [&'static str]),
    /// One of these privileges at a path.
    Any(&'static str, &'static [&'static str]),
    /// A check that depends on the parameters.
    Custom(fn(&AccessRequest) -> Result<()>),
}

/// A request at the time of its authorization, before its parameters are validated.
pub(crate) struct AccessRequest<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) caller: &'a Caller,
    pub(crate) sent: &'a RawParams,
}

impl AccessRequest<'_> {
    /// Fails if the caller does not meet the requirement.
    pub(crate) fn check(&self, access_rule: AccessRule) -> Result<()> {
        match access_rule {
            AccessRule::World | AccessRule::All => Ok(()),
            AccessRule::Every(path, privileges) => privileges
                .iter()
                .try_for_each(|privilege| self.require_privilege(path, &[privilege])),
            AccessRule::Any(path, privileges) => self.require_privilege(path, privileges),
            AccessRule::Custom(check) => check(self),
        }
    }

    /// A parameter that was sent as text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.sent.get(name)? {
            Raw::Text(text) => Some(text),
            Raw::List(_) | Raw::Object => None,
        }
    }

    /// Requires one of the privileges at a path that may contain parameters. Fails if such a
    /// parameter is not text.
    fn require_privilege(&self, path: &str, privileges: &[&str]) -> Result<()> {
        let mut full_path = String::new();
        for part in path.split('/').skip(1).filter(|part| !part.is_empty()) {
            let name = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'));
            full_path.push('/');
            match name {
                None => full_path.push_str(part),
                Some(name) => match (self.sent.get(name), self.text(name)) {
                    (_, Some(text)) => full_path.push_str(text),
                    (Some(_), None) => return Err(forbidden("", privileges)),
                    (None, None) => {}
                },
            }
        }
        if full_path.is_empty() {
            full_path.push('/');
        }
        require_privilege(self.directory, self.caller, &full_path, privileges)
    }
}

/// Fails if the caller has none of the privileges at a path.
pub(crate) fn require_privilege(
    directory: &Directory,
    caller: &Caller,
    path: &str,
    privileges: &[&str],
) -> Result<()> {
    let has = directory.privileges(&caller.id, path);
    if privileges.iter().any(|name| has.contains_key(*name)) {
        return Ok(());
    }
    Err(forbidden(path, privileges))
}

/// Whether a caller has a privilege at a path.
pub(crate) fn has_privilege(
    directory: &Directory,
    caller: &Caller,
    path: &str,
    privilege: &str,
) -> bool {
    require_privilege(directory, caller, path, &[privilege]).is_ok()
}

fn forbidden(path: &str, privileges: &[&str]) -> ApiError {
    ApiError::Forbidden(format!("{path}, {}", privileges.join("|")))
}

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
