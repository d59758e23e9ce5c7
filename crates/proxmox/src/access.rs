//! Who may do what: permissions, access control lists, roles, and the realms that accounts are of.

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

/// The privileges of an account, by path. A path that is not listed has what is inherited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    paths: BTreeMap<String, BTreeMap<String, bool>>,
}

impl Permissions {
    /// Whether there is a privilege, such as `VM.Allocate`, on a path that was asked about or is
    /// listed, such as `/vms/100`.
    pub fn has(&self, path: &str, privilege: &str) -> bool {
        self.paths
            .get(path)
            .is_some_and(|privileges| privileges.contains_key(privilege))
    }

    /// Those of the privileges that are not there on a path.
    pub fn missing<'a>(&self, path: &str, wanted: &[&'a str]) -> Vec<&'a str> {
        let missing = wanted.iter().filter(|wanted| !self.has(path, wanted));
        missing.copied().collect()
    }

    /// Every path that is listed, with its privileges and whether those pass on to what is below.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, bool>)> {
        self.paths
            .iter()
            .map(|(path, privileges)| (path.as_str(), privileges))
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Perl writes an empty table as an empty list now and then.
        let Value::Object(paths) = Value::deserialize(deserializer)? else {
            return Ok(Self::default());
        };
        let privileges = |value: Value| match value {
            Value::Object(privileges) => privileges
                .into_iter()
                .map(|(name, passes_on)| (name, lenient::as_bool(&passes_on).unwrap_or(false)))
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

/// Whom a right is given to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AclHolder {
    /// An account, such as `jane@pve`.
    User(String),
    /// A group.
    Group(String),
    /// A token, such as `jane@pve!t1`.
    Token(String),
}

/// A role that somebody has on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// The path, such as `/pool/p1`.
    pub path: String,
    /// The role.
    pub role: String,
    /// Who has it.
    pub holder: AclHolder,
    /// Whether it passes on to what is below.
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

/// What is neither of a user, nor a group, nor a token is left out.
fn entry(row: AclRow) -> Option<AclEntry> {
    let holder = match row.kind.as_str() {
        "user" => AclHolder::User(row.ugid),
        "group" => AclHolder::Group(row.ugid),
        "token" => AclHolder::Token(row.ugid),
        _ => return None,
    };
    Some(AclEntry {
        path: row.path,
        role: row.roleid,
        holder,
        propagate: row.propagate,
    })
}

/// Roles to give or take away on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclChange {
    /// The path, such as `/pool/p1`.
    pub path: String,
    /// The roles.
    pub roles: Vec<String>,
    /// Whose they are.
    pub holders: Vec<AclHolder>,
    /// Whether they pass on to what is below.
    pub propagate: bool,
    /// Whether they are taken away.
    pub remove: bool,
}

impl AclChange {
    fn params(&self) -> Result<Params, Error> {
        if self.roles.is_empty() || self.holders.is_empty() {
            return Err(unsendable("roles", "no role or nobody is named"));
        }
        let mut params = Params::default()
            .with("path", one_line("path", &self.path)?)
            .with("roles", joined("roles", &self.roles, ',')?);
        let (mut users, mut groups, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
        for holder in &self.holders {
            match holder {
                AclHolder::User(name) => users.push(name.clone()),
                AclHolder::Group(name) => groups.push(name.clone()),
                AclHolder::Token(name) => tokens.push(name.clone()),
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

/// A role: privileges under one name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Role {
    /// Its name.
    #[serde(deserialize_with = "lenient::text")]
    pub roleid: String,
    /// Its privileges.
    #[serde(rename = "privs", default, deserialize_with = "lenient::list")]
    pub privileges: Vec<String>,
    /// Whether it is built in.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub special: bool,
}

/// A realm: where accounts of one kind are known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Realm {
    /// Its name.
    #[serde(deserialize_with = "lenient::text")]
    pub realm: String,
    /// What it is: `pam`, `pve`, `ldap`, `ad` or `openid`.
    #[serde(rename = "type", default, deserialize_with = "lenient::opt_text")]
    pub kind: Option<String>,
    /// What an administrator wrote beside it.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comment: Option<String>,
    /// The second factor that it asks all of its accounts for.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub tfa: Option<String>,
}

/// What is brought over from a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncScope {
    /// Accounts.
    Users,
    /// Groups.
    Groups,
    /// Both.
    Both,
}

/// What is taken away of what the directory no longer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vanished {
    /// Rights.
    Acl,
    /// Accounts and groups.
    Entry,
    /// What is known about accounts that are still there.
    Properties,
}

/// How a realm is brought up to date with its directory. What is `None` is as the realm is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealmSync {
    /// What is brought over.
    pub scope: Option<SyncScope>,
    /// What is taken away; `Some` without any for nothing.
    pub remove_vanished: Option<Vec<Vanished>>,
    /// Whether new accounts may sign in.
    pub enable_new: Option<bool>,
    /// Whether nothing is changed, and the task only says what would be.
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
            let words: Vec<_> = vanished
                .iter()
                .map(|what| match what {
                    Vanished::Acl => "acl",
                    Vanished::Entry => "entry",
                    Vanished::Properties => "properties",
                })
                .collect();
            let none = words.is_empty();
            let words = if none {
                "none".to_owned()
            } else {
                words.join(";")
            };
            params.set("remove-vanished", words);
        }
        params.opt_flag("enable-new", self.enable_new);
        params.flag("dry-run", self.dry_run);
        params
    }
}

impl Client {
    /// What this account or token may do: on one path, or wherever it has been given something.
    ///
    /// # Errors
    /// Any that a call can have; see [`Error`].
    pub async fn permissions(&self, path: Option<&str>) -> Result<Permissions, Error> {
        let mut params = Params::default();
        params.opt_line("path", path)?;
        self.call(Call::get(&["access", "permissions"]).params(params))
            .await
    }

    /// What another account or token may do; its id is with the realm: `jane@pve`, `jane@pve!t1`.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege Sys.Audit on `/access`.
    pub async fn permissions_of(&self, id: &str, path: Option<&str>) -> Result<Permissions, Error> {
        let mut params = Params::default().with("userid", one_line("userid", id)?);
        params.opt_line("path", path)?;
        self.call(Call::get(&["access", "permissions"]).params(params))
            .await
    }

    /// The rights that this account may see.
    ///
    /// # Errors
    /// Any that a call can have; see [`Error`].
    pub async fn acl(&self) -> Result<Vec<AclEntry>, Error> {
        let rows: Vec<AclRow> = self.call(Call::get(&["access", "acl"])).await?;
        Ok(rows.into_iter().filter_map(entry).collect())
    }

    /// Gives rights or takes them away.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege Permissions.Modify on the path;
    /// [`Error::NotFound`] without such a role, account, group or token.
    pub async fn set_acl(&self, change: &AclChange) -> Result<(), Error> {
        let call = Call::put(&["access", "acl"]).params(change.params()?);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// The roles, built-in ones included.
    ///
    /// # Errors
    /// Any that a call can have; see [`Error`].
    pub async fn roles(&self) -> Result<Vec<Role>, Error> {
        self.call(Call::get(&["access", "roles"])).await
    }

    /// The realms.
    ///
    /// # Errors
    /// Any that a call can have; see [`Error`].
    pub async fn realms(&self) -> Result<Vec<Realm>, Error> {
        self.call(Call::get(&["access", "domains"])).await
    }

    /// Brings a realm up to date with its directory.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a realm; [`Error::Refused`] when it has no directory.
    pub async fn sync_realm(&self, realm: &str, sync: &RealmSync) -> Result<Upid, Error> {
        let call = Call::post(&["access", "domains", realm, "sync"]).params(sync.params());
        self.call(call.slow()).await
    }
}

#[cfg(test)]
mod tests;
