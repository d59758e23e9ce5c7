//! Reserved names. A service named `login` or a container named `ldap1` could impersonate
//! infrastructure.

use model::{
    names::{Domain, Label, QualifiedName},
    permissions::{ContainerRead, ReservedNameUse},
};

use crate::{Actor, names::manager_refusal};

/// The actor who requests a name, and the manager's own hostname.
#[derive(Clone, Copy)]
pub(super) struct Requester<'a> {
    pub(super) actor: &'a Actor,
    /// The hostname of the manager.
    pub(super) manager: Option<&'a Domain>,
}

impl Requester<'_> {
    /// Why the actor may not use `name`, which starts with `label`. Reserved labels require an
    /// operator, and the manager's hostname is never available.
    pub(super) fn rejection_reason(&self, label: &Label, name: &QualifiedName) -> Option<String> {
        self.manager_conflict(name).or_else(|| {
            let is_refused = label.is_reserved() && !self.may_use_reserved_names();
            is_refused.then(|| {
                format!("The name {label} is reserved for operators. Choose another name.")
            })
        })
    }

    /// Whether the actor may learn which containers other users have.
    pub(super) fn sees_all_containers(&self) -> bool {
        self.actor.owner_filter::<ContainerRead>().is_none()
    }

    pub(super) fn may_use_reserved_names(&self) -> bool {
        self.actor.permit::<ReservedNameUse>().is_ok()
    }

    /// Checks only for the manager's hostname, for names assigned by an authorized user.
    pub(super) fn manager_conflict(&self, name: &QualifiedName) -> Option<String> {
        manager_refusal(self.manager, name)
    }
}
