//! The user directory: accounts, API tokens, groups, roles, pools, realms and access control
//! entries. This module computes effective privileges. It knows nothing of HTTP and does not format
//! error messages.

pub(crate) mod auth;
pub(crate) mod tickets;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::roles;

/// The superuser, who passes every privilege check.
pub(crate) const ROOT: &str = "root@pam";

/// A user account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) password: Option<String>,
    pub(crate) enabled: bool,
    /// Expiry in seconds since the Unix epoch; 0 means never.
    pub(crate) expire: u64,
    /// Email, first and last name, keys and comment, stored as sent.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) groups: BTreeSet<String>,
}

/// An API token. Its key in the directory is `user@realm!id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) secret: String,
    pub(crate) expire: u64,
    /// Privilege separation: the token has only those of its user's privileges that are also
    /// granted to the token.
    pub(crate) separate: bool,
    pub(crate) comment: Option<String>,
}

/// A resource pool: containers and storages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pool {
    pub(crate) comment: Option<String>,
    pub(crate) vms: BTreeSet<u32>,
    pub(crate) storages: BTreeSet<String>,
}

/// An authentication realm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Realm {
    /// `ldap`, `ad` or `openid`.
    pub(crate) kind: String,
    /// The options as sent, without secrets.
    pub(crate) options: BTreeMap<String, String>,
}

/// The kind of subject that an access control entry applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Subject {
    User,
    Group,
    Token,
}

impl Subject {
    /// The name in the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Token => "token",
        }
    }
}

/// An access control entry: a role of a subject at a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) path: String,
    pub(crate) subject: Subject,
    pub(crate) id: String,
    pub(crate) role: String,
    /// Whether the entry also applies below the path.
    pub(crate) propagate: bool,
}

/// Users, tokens, groups, roles, access control entries, pools and realms.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Directory {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) groups: BTreeMap<String, Option<String>>,
    /// Custom roles, in addition to the built-in ones.
    pub(crate) roles: BTreeMap<String, BTreeSet<String>>,
    pub(crate) grants: BTreeSet<Grant>,
    pub(crate) pools: BTreeMap<String, Pool>,
    /// Realms in addition to the built-in `pam` and `pve`.
    #[serde(default)]
    pub(crate) realms: BTreeMap<String, Realm>,
}

/// Privileges at a path. The value says whether the privilege propagates below the path.
pub(crate) type Privileges = BTreeMap<String, bool>;

impl Directory {
    /// The user ID of a caller, which is either a user ID or a token ID.
    pub(crate) fn user_of(caller: &str) -> &str {
        caller.split_once('!').map_or(caller, |(user, _)| user)
    }

    /// Whether the account is enabled and not expired at `now`, in seconds since the Unix epoch.
    pub(crate) fn is_active(&self, user: &str, now: u64) -> bool {
        self.users
            .get(user)
            .is_some_and(|user| user.enabled && (user.expire == 0 || user.expire > now))
    }

    /// The privileges of a role, or `None` if the role does not exist.
    pub(crate) fn role(&self, name: &str) -> Option<BTreeSet<String>> {
        let built_in = roles::built_in(name);
        built_in
            .map(|privileges| privileges.into_iter().map(str::to_owned).collect())
            .or_else(|| self.roles.get(name).cloned())
    }

    /// The pool that contains a container.
    pub(crate) fn pool_of(&self, vmid: u32) -> Option<&str> {
        let mut pools = self.pools.iter();
        pools
            .find(|(_, pool)| pool.vms.contains(&vmid))
            .map(|(name, _)| name.as_str())
    }

    /// The effective privileges of a caller at a path.
    pub(crate) fn privileges(&self, caller: &str, path: &str) -> Privileges {
        let user = Self::user_of(caller);
        let entries = self.user_privileges(user, path);
        match self.tokens.get(caller) {
            Some(token) if token.separate => {
                let granted = self.token_privileges(path, |grant| {
                    grant.subject == Subject::Token && grant.id == caller
                });
                entries
                    .into_iter()
                    .filter_map(|(name, propagate)| {
                        let also = granted.get(&name)?;
                        Some((name, propagate && *also))
                    })
                    .collect()
            }
            _ => entries,
        }
    }

    fn user_privileges(&self, user: &str, path: &str) -> Privileges {
        if user == ROOT {
            return roles::ALL.map(|name| (name.to_owned(), true)).into();
        }
        let groups = self.users.get(user).map(|user| &user.groups);
        let by_user = |grant: &Grant| grant.subject == Subject::User && grant.id == user;
        let by_group = |grant: &Grant| {
            grant.subject == Subject::Group && groups.is_some_and(|all| all.contains(&grant.id))
        };
        self.privileges_at(path, by_user, by_group)
    }

    fn token_privileges(&self, path: &str, by_user: impl Fn(&Grant) -> bool) -> Privileges {
        self.privileges_at(path, by_user, |_| false)
    }

    /// Privileges from the user's own entries, or from the groups' entries if the user has none at
    /// the same level. Entries at a level replace all entries above it. Privileges on a pool also
    /// apply to its members, without propagation.
    fn privileges_at(
        &self,
        path: &str,
        by_user: impl Fn(&Grant) -> bool,
        by_group: impl Fn(&Grant) -> bool,
    ) -> Privileges {
        let mut privileges = self.expand(&self.roles_at(path, &by_user, &by_group));
        if let Some(pool) = self.pool_with(path) {
            let roles = self.roles_at(&format!("/pool/{pool}"), &by_user, &by_group);
            for (name, _) in self.expand(&roles) {
                privileges.entry(name).or_insert(false);
            }
        }
        privileges
    }

    fn roles_at(
        &self,
        path: &str,
        by_user: &impl Fn(&Grant) -> bool,
        by_group: &impl Fn(&Grant) -> bool,
    ) -> BTreeMap<String, bool> {
        let mut roles = BTreeMap::new();
        for level in levels(path) {
            let last = level == path;
            let roles_by = |applies: &dyn Fn(&Grant) -> bool| -> BTreeMap<String, bool> {
                let grants = self.grants.iter().filter(|grant| grant.path == level);
                grants
                    .filter(|grant| applies(grant) && (last || grant.propagate))
                    .map(|grant| (grant.role.clone(), grant.propagate))
                    .collect()
            };
            let entries = roles_by(by_user);
            let level_roles = if entries.is_empty() {
                roles_by(by_group)
            } else {
                entries
            };
            if !level_roles.is_empty() {
                roles = level_roles;
            }
        }
        if roles.contains_key("NoAccess") {
            roles.clear();
        }
        roles
    }

    fn expand(&self, roles: &BTreeMap<String, bool>) -> Privileges {
        let mut privileges = Privileges::new();
        for (role, propagate) in roles {
            for name in self.role(role).unwrap_or_default() {
                *privileges.entry(name).or_default() |= propagate;
            }
        }
        privileges
    }

    /// The pool that contains the container or storage at a path.
    fn pool_with(&self, path: &str) -> Option<&str> {
        if let Some(vmid) = path.strip_prefix("/vms/") {
            return self.pool_of(vmid.parse().ok()?);
        }
        let storage = path.strip_prefix("/storage/")?;
        let mut pools = self.pools.iter();
        pools
            .find(|(_, pool)| pool.storages.contains(storage))
            .map(|(name, _)| name.as_str())
    }
}

/// The paths from the root to `path`, inclusive.
fn levels(path: &str) -> Vec<&str> {
    let mut levels = vec!["/"];
    let inner = path.char_indices().skip(1).filter(|(_, c)| *c == '/');
    levels.extend(inner.filter_map(|(end, _)| path.get(..end)));
    if path != "/" {
        levels.push(path);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(path: &str, subject: Subject, id: &str, role: &str, propagate: bool) -> Grant {
        Grant {
            path: path.into(),
            subject,
            id: id.into(),
            role: role.into(),
            propagate,
        }
    }

    fn directory(grants: &[Grant]) -> Directory {
        let mut directory = Directory {
            grants: grants.iter().cloned().collect(),
            ..Directory::default()
        };
        let ann = User {
            groups: BTreeSet::from(["ops".to_owned()]),
            ..User::default()
        };
        directory.users.insert("ann@pve".into(), ann);
        directory
    }

    fn allowed(directory: &Directory, caller: &str, path: &str, privilege: &str) -> bool {
        directory.privileges(caller, path).contains_key(privilege)
    }

    #[test]
    fn entry_propagates_unless_overridden_below() {
        let directory = directory(&[
            grant("/", Subject::User, "ann@pve", "PVEAdmin", true),
            grant("/vms/100", Subject::User, "ann@pve", "PVEAuditor", true),
            grant("/vms/101", Subject::User, "ann@pve", "NoAccess", true),
            grant("/nodes", Subject::User, "ann@pve", "PVEAuditor", false),
        ]);
        assert!(allowed(&directory, "ann@pve", "/vms/102", "VM.Allocate"));
        assert!(!allowed(&directory, "ann@pve", "/vms/100", "VM.Allocate"));
        assert!(allowed(&directory, "ann@pve", "/vms/100", "VM.Audit"));
        assert!(!allowed(&directory, "ann@pve", "/vms/101", "VM.Audit"));
        assert!(!allowed(&directory, "ann@pve", "/nodes", "Sys.Console"));
        assert!(allowed(&directory, "ann@pve", "/nodes/pve1", "Sys.Console"));
    }

    #[test]
    fn group_entry_applies_if_user_has_none_at_level() {
        let directory = directory(&[
            grant("/storage", Subject::Group, "ops", "PVEDatastoreUser", true),
            grant("/vms", Subject::Group, "ops", "PVEVMAdmin", true),
            grant("/vms", Subject::User, "ann@pve", "PVEAuditor", true),
        ]);
        let storage = "/storage/local";
        assert!(allowed(
            &directory,
            "ann@pve",
            storage,
            "Datastore.AllocateSpace"
        ));
        assert!(!allowed(&directory, "ann@pve", "/vms/100", "VM.Allocate"));
    }

    #[test]
    fn separate_token_has_intersection_of_privileges() {
        let mut directory = directory(&[
            grant("/", Subject::User, "ann@pve", "PVEVMUser", true),
            grant("/", Subject::Token, "ann@pve!ro", "PVEAuditor", true),
        ]);
        let token = |separate| Token {
            separate,
            ..Token::default()
        };
        directory.tokens.insert("ann@pve!ro".into(), token(true));
        directory.tokens.insert("ann@pve!all".into(), token(false));
        assert!(allowed(&directory, "ann@pve!ro", "/vms/100", "VM.Audit"));
        assert!(!allowed(
            &directory,
            "ann@pve!ro",
            "/vms/100",
            "VM.PowerMgmt"
        ));
        assert!(!allowed(&directory, "ann@pve!ro", "/", "Sys.Audit"));
        assert!(allowed(
            &directory,
            "ann@pve!all",
            "/vms/100",
            "VM.PowerMgmt"
        ));
    }

    #[test]
    fn pool_privileges_apply_to_members() {
        let mut directory = directory(&[grant(
            "/pool/p1",
            Subject::User,
            "ann@pve",
            "PVEVMAdmin",
            true,
        )]);
        let pool = Pool {
            vms: BTreeSet::from([200]),
            ..Pool::default()
        };
        directory.pools.insert("p1".into(), pool);
        assert!(allowed(&directory, "ann@pve", "/vms/200", "VM.PowerMgmt"));
        assert!(!allowed(&directory, "ann@pve", "/vms/201", "VM.PowerMgmt"));
        assert!(!directory.privileges("ann@pve", "/vms/200")["VM.PowerMgmt"]);
    }

    #[test]
    fn root_has_all_privileges() {
        let directory = Directory::default();
        assert_eq!(directory.privileges(ROOT, "/vms/1").len(), roles::ALL.len());
    }
}
