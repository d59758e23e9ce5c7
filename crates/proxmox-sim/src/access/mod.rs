//! Who there is and who may do what: accounts, tokens, groups, roles, pools and the list of grants.
//! Data and the rules by which privileges come about; no HTTP and no words for refusals.

pub(crate) mod roles;
pub(crate) mod tickets;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The account for which nothing is checked.
pub(crate) const ROOT: &str = "root@pam";

/// A person's or program's account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) password: Option<String>,
    pub(crate) enabled: bool,
    /// When it ends, in seconds since 1970; 0 is never.
    pub(crate) expire: u64,
    /// Mail, names, comment: kept as they were given.
    pub(crate) about: BTreeMap<String, String>,
    pub(crate) groups: BTreeSet<String>,
}

/// An API token; its key in the directory is `user@realm!id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) secret: String,
    pub(crate) expire: u64,
    /// Whether it has only what was granted to itself too.
    pub(crate) separate: bool,
    pub(crate) comment: Option<String>,
}

/// Containers and storages under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pool {
    pub(crate) comment: Option<String>,
    pub(crate) vms: BTreeSet<u32>,
    pub(crate) storages: BTreeSet<String>,
}

/// Where accounts come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Realm {
    /// `ldap`, `ad` or `openid`.
    pub(crate) kind: String,
    /// Its options as they were given; no secrets among them.
    pub(crate) options: BTreeMap<String, String>,
}

/// Whom a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Subject {
    User,
    Group,
    Token,
}

impl Subject {
    /// The API's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Token => "token",
        }
    }
}

/// A role that somebody has at a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) path: String,
    pub(crate) subject: Subject,
    pub(crate) id: String,
    pub(crate) role: String,
    /// Whether it holds below the path too.
    pub(crate) propagate: bool,
}

/// All of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Directory {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) groups: BTreeMap<String, Option<String>>,
    /// Roles beside those that are there from the beginning.
    pub(crate) roles: BTreeMap<String, BTreeSet<String>>,
    pub(crate) grants: BTreeSet<Grant>,
    pub(crate) pools: BTreeMap<String, Pool>,
    /// Realms beside those that are there from the beginning.
    #[serde(default)]
    pub(crate) realms: BTreeMap<String, Realm>,
}

/// Privileges at a path, and whether each holds below it.
pub(crate) type Privileges = BTreeMap<String, bool>;

impl Directory {
    /// The account of a caller, who may be a token.
    pub(crate) fn user_of(caller: &str) -> &str {
        caller.split_once('!').map_or(caller, |(user, _)| user)
    }

    /// Whether the account may be used at `now`, in seconds since 1970.
    pub(crate) fn is_active(&self, user: &str, now: u64) -> bool {
        self.users
            .get(user)
            .is_some_and(|user| user.enabled && (user.expire == 0 || user.expire > now))
    }

    /// What a role may do.
    pub(crate) fn role(&self, name: &str) -> Option<BTreeSet<String>> {
        let built_in = roles::built_in(name);
        built_in
            .map(|privileges| privileges.into_iter().map(str::to_owned).collect())
            .or_else(|| self.roles.get(name).cloned())
    }

    /// The pool that a container is in.
    pub(crate) fn pool_of(&self, vmid: u32) -> Option<&str> {
        let mut pools = self.pools.iter();
        pools
            .find(|(_, pool)| pool.vms.contains(&vmid))
            .map(|(name, _)| name.as_str())
    }

    /// What a caller may do at a path.
    pub(crate) fn privileges(&self, caller: &str, path: &str) -> Privileges {
        let user = Self::user_of(caller);
        let own = self.of_account(user, path);
        match self.tokens.get(caller) {
            Some(token) if token.separate => {
                let granted = self.at(path, |grant| {
                    grant.subject == Subject::Token && grant.id == caller
                });
                own.into_iter()
                    .filter_map(|(name, propagate)| {
                        let also = granted.get(&name)?;
                        Some((name, propagate && *also))
                    })
                    .collect()
            }
            _ => own,
        }
    }

    fn of_account(&self, user: &str, path: &str) -> Privileges {
        if user == ROOT {
            return roles::ALL.map(|name| (name.to_owned(), true)).into();
        }
        let groups = self.users.get(user).map(|user| &user.groups);
        let mine = |grant: &Grant| grant.subject == Subject::User && grant.id == user;
        let ours = |grant: &Grant| {
            grant.subject == Subject::Group && groups.is_some_and(|all| all.contains(&grant.id))
        };
        self.at_either(path, mine, ours)
    }

    fn at(&self, path: &str, mine: impl Fn(&Grant) -> bool) -> Privileges {
        self.at_either(path, mine, |_| false)
    }

    /// Privileges from one's own grants, or else one's groups' at the same level. The grants at a
    /// level take the place of all above it. A member of a pool has the pool's as well.
    fn at_either(
        &self,
        path: &str,
        mine: impl Fn(&Grant) -> bool,
        ours: impl Fn(&Grant) -> bool,
    ) -> Privileges {
        let mut privileges = self.expand(&self.roles_at(path, &mine, &ours));
        if let Some(pool) = self.pool_with(path) {
            let roles = self.roles_at(&format!("/pool/{pool}"), &mine, &ours);
            for (name, _) in self.expand(&roles) {
                privileges.entry(name).or_insert(false);
            }
        }
        privileges
    }

    fn roles_at(
        &self,
        path: &str,
        mine: &impl Fn(&Grant) -> bool,
        ours: &impl Fn(&Grant) -> bool,
    ) -> BTreeMap<String, bool> {
        let mut roles = BTreeMap::new();
        for level in levels(path) {
            let last = level == path;
            let here = |wanted: &dyn Fn(&Grant) -> bool| -> BTreeMap<String, bool> {
                let grants = self.grants.iter().filter(|grant| grant.path == level);
                grants
                    .filter(|grant| wanted(grant) && (last || grant.propagate))
                    .map(|grant| (grant.role.clone(), grant.propagate))
                    .collect()
            };
            let own = here(mine);
            let found = if own.is_empty() { here(ours) } else { own };
            if !found.is_empty() {
                roles = found;
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

    /// The pool that the container or storage at a path is in.
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

/// The paths from the root to `path`, itself included.
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

    fn may(directory: &Directory, caller: &str, path: &str, privilege: &str) -> bool {
        directory.privileges(caller, path).contains_key(privilege)
    }

    #[test]
    fn a_grant_holds_below_its_path_unless_another_takes_its_place() {
        let directory = directory(&[
            grant("/", Subject::User, "ann@pve", "PVEAdmin", true),
            grant("/vms/100", Subject::User, "ann@pve", "PVEAuditor", true),
            grant("/vms/101", Subject::User, "ann@pve", "NoAccess", true),
            grant("/nodes", Subject::User, "ann@pve", "PVEAuditor", false),
        ]);
        assert!(may(&directory, "ann@pve", "/vms/102", "VM.Allocate"));
        assert!(!may(&directory, "ann@pve", "/vms/100", "VM.Allocate"));
        assert!(may(&directory, "ann@pve", "/vms/100", "VM.Audit"));
        assert!(!may(&directory, "ann@pve", "/vms/101", "VM.Audit"));
        assert!(!may(&directory, "ann@pve", "/nodes", "Sys.Console"));
        assert!(may(&directory, "ann@pve", "/nodes/pve1", "Sys.Console"));
    }

    #[test]
    fn a_groups_grant_counts_where_the_person_has_none() {
        let directory = directory(&[
            grant("/storage", Subject::Group, "ops", "PVEDatastoreUser", true),
            grant("/vms", Subject::Group, "ops", "PVEVMAdmin", true),
            grant("/vms", Subject::User, "ann@pve", "PVEAuditor", true),
        ]);
        let storage = "/storage/local";
        assert!(may(
            &directory,
            "ann@pve",
            storage,
            "Datastore.AllocateSpace"
        ));
        assert!(!may(&directory, "ann@pve", "/vms/100", "VM.Allocate"));
    }

    #[test]
    fn a_separate_token_has_what_both_have() {
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
        assert!(may(&directory, "ann@pve!ro", "/vms/100", "VM.Audit"));
        assert!(!may(&directory, "ann@pve!ro", "/vms/100", "VM.PowerMgmt"));
        assert!(!may(&directory, "ann@pve!ro", "/", "Sys.Audit"));
        assert!(may(&directory, "ann@pve!all", "/vms/100", "VM.PowerMgmt"));
    }

    #[test]
    fn members_of_a_pool_have_what_was_granted_on_it() {
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
        assert!(may(&directory, "ann@pve", "/vms/200", "VM.PowerMgmt"));
        assert!(!may(&directory, "ann@pve", "/vms/201", "VM.PowerMgmt"));
        assert!(!directory.privileges("ann@pve", "/vms/200")["VM.PowerMgmt"]);
    }

    #[test]
    fn root_may_do_everything() {
        let directory = Directory::default();
        assert_eq!(directory.privileges(ROOT, "/vms/1").len(), roles::ALL.len());
    }
}
