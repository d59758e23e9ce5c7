//! Who asks. Every use case takes an actor first and refuses what it may not do.

use model::{Error, UserId, names::Username, session::Me, users::Role};

/// Who asks for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person with an account.
    Person(Me),
    /// The program itself, as at the first start.
    System,
}

impl Actor {
    /// The person, unless it is the program itself.
    pub fn me(&self) -> Option<&Me> {
        match self {
            Self::Person(me) => Some(me),
            Self::System => None,
        }
    }

    /// What the actor may do.
    pub fn role(&self) -> Role {
        self.me().map_or(Role::Administrator, |me| me.role)
    }

    /// The account and its name, for the record of who asked.
    pub(crate) fn signature(&self) -> Option<(UserId, Username)> {
        self.me().map(|me| (me.id, me.name.clone()))
    }

    /// Whose things lists are narrowed to; none when the actor sees everybody's.
    pub(crate) fn narrowed_to(&self) -> Option<UserId> {
        self.me().filter(|me| !me.role.sees_all()).map(|me| me.id)
    }

    /// Whether the actor may know of what belongs to `owner`.
    pub(crate) fn may_see(&self, owner: UserId) -> bool {
        self.narrowed_to().is_none_or(|me| me == owner)
    }

    pub(crate) fn require_operator(&self) -> Result<(), Error> {
        if self.role().sees_all() {
            return Ok(());
        }
        Err(Error::forbidden(
            "Operators and administrators may do this.",
        ))
    }

    pub(crate) fn require_administrator(&self) -> Result<(), Error> {
        if self.role().administers() {
            return Ok(());
        }
        Err(Error::forbidden("Administrators may do this."))
    }
}
