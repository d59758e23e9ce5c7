//! Access control: permissions, access control lists, roles, and authentication realms.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

use crate::{
    Client, Upid,
    error::Error,
    http::Call,
    lenient,
    params::{Params, joined, one_line, unsendable},
};

/// The privileges of a user or token, by path. Paths that are not listed inherit theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    paths: BTreeMap<String, BTreeMap<String, bool>>,
}

impl Permissions {
    /// Whether a privilege, such as `VM.Allocate`, is granted on a requested or listed path, such
    /// as `/vms/100`.
    pub fn has(&self, path: &str, privilege: &str) -> bool {
        self.paths
            .get(path)
            .is_some_and(|privileges| privileges.contains_key(privilege))
    }

    /// The privileges of `required` that are not granted on a path.
    pub fn missing<'a>(&self, path: &str, required: &[&'a str]) -> Vec<&'a str> {
        let missing = required.iter().filter(|required| !self.has(path, required));
        missing.copied().collect()
    }

    /// Every listed path with its privileges, and whether each privilege propagates to child paths.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, bool>)> {
        self.paths
            .iter()
            .map(|(path, privileges)| (path.as_str(), privileges))
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Perl sometimes serializes an empty hash as an empty array.
        let Value::Object(paths) = Value::deserialize(deserializer)? else {
            return Ok(Self::default());
        };
        let privileges = |value: Value| match value {
            Value::Object(privileges) => privileges
                .into_iter()
                .map(|(name, propagates)| (name, lenient::as_bool(&propagates).unwrap_or(false)))
                .collect(),
            _ => BTreeMap::new(),
        };
        let paths = paths
            .into_iter()
            .map(|(path, value)| (path, privileges(value)));
        Ok(Self {
            paths: paths.collect(),
        })
    }
}

/// The subject of an access control entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AclSubject {
    /// A user, such as `jane@pve`.
    User(String),
    /// A group.
    Group(String),
    /// A token, such as `jane@pve!t1`.
    Token(String),
}

/// An access control entry: a role of a subject on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// The path, such as `/pool/p1`.
    pub path: String,
    /// The role.
    pub role: String,
    /// The subject.
    pub subject: AclSubject,
    /// Whether the entry propagates to child paths.
    pub propagate: bool,
}

#[derive(Deserialize)]
struct AclRow {
    #[serde(deserialize_with = "lenient::text")]
    path: String,
    #[serde(deserialize_with = "lenient::text")]
    roleid: String,
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    kind: String,
    #[serde(deserialize_with = "lenient::text")]
    ugid: String,
    #[serde(default = "lenient::on", deserialize_with = "lenient::flag_or_on")]
    propagate: bool,
}

/// Skips entries whose subject is neither a user, a group nor a token.
fn entry(row: AclRow) -> Option<AclEntry> {
    let subject = match row.kind.as_str() {
        "user" => AclSubject::User(row.ugid),
        "group" => AclSubject::Group(row.ugid),
        "token" => AclSubject::Token(row.ugid),
        _ => return None,
    };
    Some(AclEntry {
        path: row.path,
        role: row.roleid,
        subject,
        propagate: row.propagate,
    })
}

/// A change to access control lists: roles to grant or revoke on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclChange {
    /// The path, such as `/pool/p1`.
    pub path: String,
    /// The roles.
    pub roles: Vec<String>,
    /// The subjects.
    pub subjects: Vec<AclSubject>,
    /// Whether the entries propagate to child paths.
    pub propagate: bool,
    /// Whether to revoke the roles.
    pub remove: bool,
}

impl AclChange {
    fn params(&self) -> Result<Params, Error> {
        if self.roles.is_empty() || self.subjects.is_empty() {
            return Err(unsendable(
                "roles",
                "a role and a user, group or token are required",
            ));
        }
        let mut params = Params::default()
            .with("path", one_line("path", &self.path)?)
            .with("roles", joined("roles", &self.roles, ',')?);
        let (mut users, mut groups, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
        for subject in &self.subjects {
            match subject {
                AclSubject::User(name) => users.push(name.clone()),
                AclSubject::Group(name) => groups.push(name.clone()),
                AclSubject::Token(name) => tokens.push(name.clone()),
            }
        }
        for (field, names) in [("users", users), ("groups", groups), ("tokens", tokens)] {
            if !names.is_empty() {
                params.set(field, joined(field, &names, ',')?);
            }
        }
        params.flag("propagate", self.propagate);
        if self.remove {
            params.flag("delete", true);
        }
        Ok(params)
    }
}

/// A role: a named set of privileges.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Role {
    /// The role's ID.
    #[serde(deserialize_with = "lenient::text")]
    pub roleid: String,
    /// The role's privileges.
    #[serde(rename = "privs", default, deserialize_with = "lenient::list")]
    pub privileges: Vec<String>,
    /// Whether the role is built in.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub special: bool,
}

/// An authentication realm.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Realm {
    /// The realm's ID.
    #[serde(deserialize_with = "lenient::text")]
    pub realm: String,
    /// The type: `pam`, `pve`, `ldap`, `ad` or `openid`.
    #[serde(rename = "type", default, deserialize_with = "lenient::opt_text")]
    pub kind: Option<String>,
    /// The comment.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comment: Option<String>,
    /// The second factor that is required for all users of the realm.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub tfa: Option<String>,
}

/// What to synchronize from a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncScope {
    /// Users.
    Users,
    /// Groups.
    Groups,
    /// Both.
    Both,
}

/// What to remove of entries that vanished from the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vanished {
    /// Access control entries.
    Acl,
    /// Users and groups.
    Entry,
    /// Properties of users that still exist.
    Properties,
}

/// Options of a realm synchronization. `None` means the realm's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealmSync {
    /// What to synchronize.
    pub scope: Option<SyncScope>,
    /// What to remove; an empty list means nothing.
    pub remove_vanished: Option<Vec<Vanished>>,
    /// Whether to enable new users.
    pub enable_new: Option<bool>,
    /// Whether to only log the changes in the task.
    pub dry_run: bool,
}

impl RealmSync {
    fn params(&self) -> Params {
        let mut params = Params::default();
        params.opt(
            "scope",
            self.scope.map(|scope| match scope {
                SyncScope::Users => "users",
                SyncScope::Groups => "groups",
                SyncScope::Both => "both",
            }),
        );
        if let Some(vanished) = &self.remove_vanished {
            let values: Vec<_> = vanished
                .iter()
                .map(|what| match what {
                    Vanished::Acl => "acl",
                    Vanished::Entry => "entry",
                    Vanished::Properties => "properties",
                })
                .collect();
            let none = values.is_empty();
            let values = if none {
                "none".to_owned()
            } else {
                values.join(";")
            };
            params.set("remove-vanished", values);
        }
        params.opt_flag("enable-new", self.enable_new);
        params.flag("dry-run", self.dry_run);
        params
    }
}

impl Client {
    /// The permissions of the client's own user or token: on one path, or on all paths with
    /// entries.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn permissions(&self, path: Option<&str>) -> Result<Permissions, Error> {
        let mut params = Params::default();
        params.opt_line("path", path)?;
        self.call(Call::get(&["access", "permissions"]).params(params))
            .await
    }

    /// The permissions of another user or token, given by its full ID: `jane@pve`, `jane@pve!t1`.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege Sys.Audit on `/access`.
    pub async fn permissions_of(&self, id: &str, path: Option<&str>) -> Result<Permissions, Error> {
        let mut params = Params::default().with("userid", one_line("userid", id)?);
        params.opt_line("path", path)?;
        self.call(Call::get(&["access", "permissions"]).params(params))
            .await
    }

    /// The access control entries that the user may see.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn acl(&self) -> Result<Vec<AclEntry>, Error> {
        let rows: Vec<AclRow> = self.call(Call::get(&["access", "acl"])).await?;
        Ok(rows.into_iter().filter_map(entry).collect())
    }

    /// Grants or revokes roles.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege Permissions.Modify on the path;
    /// [`Error::NotFound`] if a role, user, group or token does not exist.
    pub async fn set_acl(&self, change: &AclChange) -> Result<(), Error> {
        let call = Call::put(&["access", "acl"]).params(change.params()?);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// The roles, including built-in ones.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn roles(&self) -> Result<Vec<Role>, Error> {
        self.call(Call::get(&["access", "roles"])).await
    }

    /// The authentication realms.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn realms(&self) -> Result<Vec<Realm>, Error> {
        self.call(Call::get(&["access", "domains"])).await
    }

    /// Synchronizes a realm with its directory.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the realm does not exist; [`Error::Refused`] if the realm has no
    /// directory.
    pub async fn sync_realm(&self, realm: &str, sync: &RealmSync) -> Result<Upid, Error> {
        let call = Call::post(&["access", "domains", realm, "sync"]).params(sync.params());
        self.call(call.slow()).await
    }
}

#[cfg(test)]
mod tests;
