//! Permissions: the rule of each action, and proofs that the rule was checked.
//!
//! Only [`Permit::check`] and [`Permit::narrow`] create a [`Permit`]. Functions of the store that
//! write on behalf of a user take a permit, so no use case can omit the check. A permit does not
//! name the object: the use case must check the owner of the object that it changes.

mod actions;

use std::marker::PhantomData;

pub use actions::*;

use crate::users::Role;

/// Who may perform an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All users.
    Member,
    /// Operators and administrators.
    Operator,
    /// Administrators.
    Administrator,
    /// The owner of the object, operators and administrators. For others it does not exist.
    OwnerOrOperator,
    /// The owner of the object, and administrators. For others it does not exist.
    OwnerOrAdministrator,
}

impl Rule {
    /// The lowest role that may perform the action on all objects.
    pub const fn role_for_all(self) -> Role {
        match self {
            Self::Member => Role::Member,
            Self::Operator | Self::OwnerOrOperator => Role::Operator,
            Self::Administrator | Self::OwnerOrAdministrator => Role::Administrator,
        }
    }

    /// Whether the owner of the object may perform the action whatever their role.
    pub const fn depends_on_owner(self) -> bool {
        matches!(self, Self::OwnerOrOperator | Self::OwnerOrAdministrator)
    }

    /// Whether a user with `role`, who owns the object or not, may perform the action.
    pub fn allows(self, role: Role, is_owner: bool) -> bool {
        role >= self.role_for_all() || (self.depends_on_owner() && is_owner)
    }

    /// The rule in the table of permissions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "all users",
            Self::Operator => "operators, administrators",
            Self::Administrator => "administrators",
            Self::OwnerOrOperator => "owner, operators, administrators",
            Self::OwnerOrAdministrator => "owner, administrators",
        }
    }

    /// The message for users whose role does not suffice.
    pub const fn refusal(self) -> &'static str {
        match self.role_for_all() {
            Role::Administrator => "Only administrators can do this.",
            Role::Operator | Role::Member => "Only operators and administrators can do this.",
        }
    }
}

impl Role {
    /// Whether the role may perform an action, on the objects of all users if there are any.
    pub fn may<A: Action>(self) -> bool {
        A::RULE.allows(self, false)
    }
}

/// An action of the table. The module `actions` defines all of them.
pub trait Action: Copy + Send + Sync + 'static {
    /// The name in the table.
    const NAME: &'static str;
    /// Who may perform the action.
    const RULE: Rule;
}

/// An action whose rule depends on the role only.
pub trait RoleAction: Action {}

/// An action whose rule depends on the owner of the object.
pub trait OwnedAction: Action {}

/// An action whose use cases also perform another one. A new site has a first domain, for example.
pub trait Includes<B: Action>: Action {}

/// A row of the table of permissions.
#[derive(Clone, Copy, Debug)]
pub struct ActionEntry {
    /// The name of the action.
    pub name: &'static str,
    /// Who may perform the action.
    pub rule: Rule,
    /// What the action is, in one sentence.
    pub description: &'static str,
    /// The names of the actions that the action includes.
    pub includes: &'static [&'static str],
}

/// The proof that the rule of the action `A` was checked, for an owner or for all objects.
#[derive(Clone, Copy, Debug)]
pub struct Permit<A>(PhantomData<A>);

impl<A: Action> Permit<A> {
    /// Checks the rule of the action for a user with `role`, who owns the object or not.
    pub fn check(role: Role, is_owner: bool) -> Option<Self> {
        A::RULE.allows(role, is_owner).then_some(Self(PhantomData))
    }

    /// The permit for an action that this one includes.
    pub fn narrow<B: Action>(self) -> Permit<B>
    where
        A: Includes<B>,
    {
        Permit(PhantomData)
    }
}

/// Finds an action by its name.
pub fn find_action(name: &str) -> Option<&'static ActionEntry> {
    ACTIONS.iter().find(|action| action.name == name)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests of the check itself")]
mod tests {
    use super::*;

    #[test]
    fn rules_allow_the_roles_and_owners_that_they_name() {
        let cases = [
            (Rule::Member, [true, true, true], true),
            (Rule::Operator, [false, true, true], false),
            (Rule::Administrator, [false, false, true], false),
            (Rule::OwnerOrOperator, [false, true, true], true),
            (Rule::OwnerOrAdministrator, [false, false, true], true),
        ];
        for (rule, roles, member_with_object) in cases {
            assert_eq!(Role::ALL.map(|role| rule.allows(role, false)), roles);
            assert_eq!(rule.allows(Role::Member, true), member_with_object);
            assert!(rule.allows(Role::Administrator, true), "{rule:?}");
        }
    }

    /// An owner with the role member passes a rule that depends on the owner.
    fn lowest_role(rule: Rule) -> Role {
        match rule.depends_on_owner() {
            true => Role::Member,
            false => rule.role_for_all(),
        }
    }

    #[test]
    fn included_actions_are_open_to_the_same_users() {
        for action in ACTIONS {
            for name in action.includes {
                let included = find_action(name).unwrap();
                assert!(
                    lowest_role(action.rule) >= lowest_role(included.rule),
                    "{} includes {name}",
                    action.name
                );
            }
        }
    }

    #[test]
    fn actions_have_unique_names_and_descriptions() {
        for (position, action) in ACTIONS.iter().enumerate() {
            let others = ACTIONS.iter().skip(position + 1);
            for other in others {
                assert_ne!(action.name, other.name);
                assert_ne!(action.description, other.description);
            }
            assert!(action.description.ends_with('.'), "{}", action.name);
        }
    }

    /// The table of `docs/security.md`.
    fn documentation() -> String {
        let header = "| action | allows the user to | who |\n|---|---|---|\n";
        let rows = ACTIONS.iter().map(|action| {
            let description = action.description.trim_end_matches('.');
            let (first, rest) = description.split_at(1);
            let description = first.to_lowercase() + rest;
            let (name, rule) = (action.name, action.rule.as_str());
            format!("| {name} | {description} | {rule} |\n")
        });
        header.to_owned() + &rows.collect::<String>()
    }

    #[test]
    fn documentation_contains_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/security.md");
        let page = std::fs::read_to_string(path).unwrap();
        let table = documentation();
        assert!(page.contains(&table), "docs/security.md needs:\n{table}");
    }

    #[test]
    fn role_may_perform_actions_on_the_objects_of_all_users() {
        assert_eq!(Role::ALL.map(Role::may::<SiteManage>), [false, false, true]);
        assert_eq!(Role::ALL.map(Role::may::<SiteRead>), [false, true, true]);
        assert_eq!(
            Role::ALL.map(Role::may::<ContainerManage>),
            [false, true, true]
        );
    }

    #[test]
    fn permit_requires_the_rule() {
        assert!(Permit::<SiteManage>::check(Role::Operator, true).is_none());
        assert!(Permit::<SiteManage>::check(Role::Administrator, false).is_some());
        assert!(Permit::<ContainerManage>::check(Role::Member, false).is_none());
        assert!(Permit::<ContainerManage>::check(Role::Member, true).is_some());
    }
}
