//! Who is calling, by ticket or token, and whether a call is for them. The words are Proxmox's.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use percent_encoding::percent_decode_str;

use crate::access::{Directory, ROOT};
use crate::body::Sent;
use crate::core::{Core, now};
use crate::error::{ApiError, Result};
use crate::params::Raw;

/// The header that must come with every change made with a ticket.
const CSRF: &str = "CSRFPreventionToken";
const BAD: ApiError = ApiError::Unauthorized("Authentication failed!");

/// Somebody who signed in, or nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The user, or the whole id of a token: `root@pam!holdfast`. Empty for nobody.
    pub(crate) id: String,
}

impl Caller {
    /// User without token.
    pub(crate) fn user(&self) -> &str {
        Directory::user_of(&self.id)
    }

    /// Token without user.
    pub(crate) fn token(&self) -> Option<&str> {
        self.id.split_once('!').map(|(_, token)| token)
    }

    /// Whether this is root with a ticket: a token of root's is not.
    pub(crate) fn is_root(&self) -> bool {
        self.id == ROOT
    }
}

/// What a call asks of its caller.
#[derive(Clone, Copy)]
pub(crate) enum Permit {
    /// Nothing, not even to have signed in.
    World,
    /// To have signed in.
    All,
    /// All of these privileges at a path.
    Every(&'static str, &'static [&'static str]),
    /// One of these privileges at a path.
    Any(&'static str, &'static [&'static str]),
    /// Something of its own.
    Judged(fn(&Asking) -> Result<()>),
}

/// A call before its parameters are checked.
pub(crate) struct Asking<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) caller: &'a Caller,
    pub(crate) sent: &'a Sent,
}

impl Asking<'_> {
    /// Whether the caller may go on.
    pub(crate) fn check(&self, permit: Permit) -> Result<()> {
        match permit {
            Permit::World | Permit::All => Ok(()),
            Permit::Every(path, privileges) => privileges
                .iter()
                .try_for_each(|privilege| self.need(path, &[privilege])),
            Permit::Any(path, privileges) => self.need(path, privileges),
            Permit::Judged(judge) => judge(self),
        }
    }

    /// A parameter that is plain text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.sent.get(name)? {
            Raw::Text(text) => Some(text),
            Raw::List(_) | Raw::Object => None,
        }
    }

    /// One of these privileges at a path with parameters in it. A parameter that is no text makes
    /// no path, and nobody may do anything there.
    fn need(&self, path: &str, privileges: &[&str]) -> Result<()> {
        let mut whole = String::new();
        for part in path.split('/').skip(1).filter(|part| !part.is_empty()) {
            let name = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'));
            whole.push('/');
            match name {
                None => whole.push_str(part),
                Some(name) => match (self.sent.get(name), self.text(name)) {
                    (_, Some(text)) => whole.push_str(text),
                    (Some(_), None) => return Err(forbidden("", privileges)),
                    (None, None) => {}
                },
            }
        }
        if whole.is_empty() {
            whole.push('/');
        }
        need(self.directory, self.caller, &whole, privileges)
    }
}

/// Refuses a caller who has none of these privileges at a path.
pub(crate) fn need(
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
pub(crate) fn may(directory: &Directory, caller: &Caller, path: &str, privilege: &str) -> bool {
    need(directory, caller, path, &[privilege]).is_ok()
}

fn forbidden(path: &str, privileges: &[&str]) -> ApiError {
    ApiError::Forbidden(format!("{path}, {}", privileges.join("|")))
}

/// Finds out who calls. With a ticket, every change must bring the token against forged requests.
/// A call for the world may come without either, and its ticket is not looked at.
pub(crate) fn sign_in(
    core: &Core,
    headers: &HeaderMap,
    method: &str,
    permit: Permit,
) -> Result<Caller> {
    let world = matches!(permit, Permit::World);
    if let Some(ticket) = ticket(headers).filter(|_| !world) {
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
        None if world => Ok(Caller { id: String::new() }),
        None => Err(ApiError::Unauthorized("No ticket")),
    }
}

fn text(headers: &HeaderMap, name: impl axum::http::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The ticket from the cookie or the header, percent-decoded where it was encoded.
fn ticket(headers: &HeaderMap) -> Option<String> {
    let by_cookie = text(headers, COOKIE).and_then(|cookies| {
        let mut cookies = cookies.split(';').map(str::trim);
        cookies.find_map(|cookie| cookie.strip_prefix("PVEAuthCookie="))
    });
    let by_header =
        || text(headers, AUTHORIZATION).and_then(|text| text.strip_prefix("PVEAuthCookie="));
    let found = by_cookie.or_else(by_header)?;
    Some(percent_decode_str(found).decode_utf8_lossy().into_owned())
}

/// What follows `PVEAPIToken=` in the header. A space after the scheme and percent-encoding also
/// pass; another scheme is as if there were no header.
fn credential(headers: &HeaderMap) -> Option<String> {
    let rest = text(headers, AUTHORIZATION)?.strip_prefix("PVEAPIToken")?;
    let rest = rest.strip_prefix(['=', ' '])?;
    Some(percent_decode_str(rest).decode_utf8_lossy().into_owned())
}

/// The caller of `user@realm!id=secret`.
fn token(core: &Core, credential: &str) -> Result<Caller> {
    let (id, secret) = credential.split_once('=').ok_or(BAD)?;
    let time = now().as_secs();
    let good = core.read(|state| {
        let directory = &state.directory;
        let token = directory.tokens.get(id);
        token.is_some_and(|token| {
            token.secret == secret && (token.expire == 0 || token.expire > time)
        }) && directory.is_active(Directory::user_of(id), time)
    });
    if good {
        Ok(Caller { id: id.into() })
    } else {
        Err(BAD)
    }
}
