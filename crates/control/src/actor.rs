//! The actor of a use case. Every use case takes an actor first and checks its permissions.

use model::{Error, UserId, names::Username, session::CurrentUser, users::Role};

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

    /// The owner that lists are restricted to, or `None` when the actor sees all objects.
    pub(crate) fn owner_filter(&self) -> Option<UserId> {
        self.me()
            .filter(|me| !me.role.can_see_all())
            .map(|me| me.id)
    }

    /// Whether the actor may see objects of `owner`.
    pub(crate) fn may_see(&self, owner: UserId) -> bool {
        self.owner_filter().is_none_or(|me| me == owner)
    }

    pub(crate) fn require_operator(&self) -> Result<(), Error> {
        if self.role().can_see_all() {
            return Ok(());
        }
        Err(Error::forbidden(
            "Only operators and administrators can do this.",
        ))
    }

    pub(crate) fn require_administrator(&self) -> Result<(), Error> {
        if self.role().is_administrator() {
            return Ok(());
        }
        Err(Error::forbidden("Only administrators can do this."))
    }
}
