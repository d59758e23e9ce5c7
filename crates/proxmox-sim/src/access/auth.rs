//! Callers, and the check of their privileges before a request is handled.

use crate::access::{Directory, ROOT};
use crate::error::{ApiError, Result};
use crate::params::{Raw, RawParams};

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
