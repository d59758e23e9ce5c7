//! The actor of a use case. Every use case takes an actor first and asks for one permit of the
//! table in [`model::permissions`].

use model::{
    Error, Kind, UserId,
    names::Username,
    permissions::{Action, OwnedAction, Permit, RoleAction, Rule},
    session::CurrentUser,
    users::Role,
};

/// Who performs an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in user.
    User(CurrentUser),
    /// The manager itself, for example at the first start.
    System,
}

impl Actor {
    /// The user, or `None` for the manager itself.
    pub fn me(&self) -> Option<&CurrentUser> {
        match self {
            Self::User(me) => Some(me),
            Self::System => None,
        }
    }

    /// The actor's role.
    pub fn role(&self) -> Role {
        self.me().map_or(Role::Administrator, |me| me.role)
    }

    /// ID and name of the user, for recording who requested a change.
    pub(crate) fn signature(&self) -> Option<(UserId, Username)> {
        self.me().map(|me| (me.id, me.name.clone()))
    }

    /// The permit for an action whose rule depends on the role only.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for other roles.
    pub fn permit<A: RoleAction>(&self) -> Result<Permit<A>, Error> {
        self.check(false)
            .ok_or_else(|| Error::forbidden(A::RULE.refusal()))
    }

    /// The permit for an action on an object of `owner`.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the kind of the object, as if it did not exist, if the actor may
    /// not perform the action on it.
    pub fn permit_owned<A: OwnedAction>(
        &self,
        owner: UserId,
        kind: Kind,
    ) -> Result<Permit<A>, Error> {
        self.check(self.owns(owner)).ok_or(Error::not_found(kind))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the only place that checks actors"
    )]
    fn check<A: Action>(&self, is_owner: bool) -> Option<Permit<A>> {
        Permit::check(self.role(), is_owner)
    }

    fn owns(&self, owner: UserId) -> bool {
        self.me().is_some_and(|me| me.id == owner)
    }

    /// The owner that lists are restricted to, or `None` when the actor may perform the action on
    /// the objects of all users.
    pub(crate) fn owner_filter<A: OwnedAction>(&self) -> Option<UserId> {
        let me = self.me()?;
        (!A::RULE.allows(me.role, false)).then_some(me.id)
    }

    /// Whether the actor may receive a notification with this rule. `owner` is the owner of the
    /// changed object, if it has one.
    pub(crate) fn may_receive(&self, rule: Rule, owner: Option<UserId>) -> bool {
        rule.allows(self.role(), owner.is_some_and(|owner| self.owns(owner)))
    }
}
