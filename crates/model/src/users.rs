//! Users: accounts, their roles, states and limits.

mod form;
mod limits;
mod state;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Invalid, Timestamp, UserId,
    names::{EmailAddress, Username},
    text::{FullName, Password},
};

pub use form::UserForm;
pub use limits::{LimitFields, Limits, Usage};
pub use state::{AccountState, DecidedState};

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Own containers only, within limits.
    Member,
    /// All containers and the clusters under them; no users and no sites.
    Operator,
    /// Everything.
    Administrator,
}

impl Role {
    /// Every role, from least to most powerful.
    pub const ALL: [Self; 3] = [Self::Member, Self::Operator, Self::Administrator];

    /// The name in forms and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text.trim())
            .ok_or(Invalid::new("Enter member, operator or administrator."))
    }
}

/// A user, for lists and the user's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// The user.
    pub id: UserId,
    /// The username.
    pub name: Username,
    /// The person's name; may be empty.
    pub full_name: FullName,
    /// The email address.
    pub email: EmailAddress,
    /// The role.
    pub role: Role,
    /// The limits of the user's containers.
    pub limits: Limits,
    /// The usage of the user's containers.
    pub usage: Usage,
    /// Whether the account can be used.
    pub state: AccountState,
    /// When the account expires.
    pub access_ends: Option<Timestamp>,
    /// When the user was created.
    pub created: Timestamp,
}

impl UserRow {
    /// The values that an administrator can change.
    pub fn values(&self) -> UserValues {
        UserValues {
            name: self.name.clone(),
            full_name: self.full_name.clone(),
            email: self.email.clone(),
            role: self.role,
            limits: self.limits,
            access_ends: self.access_ends,
        }
    }
}

/// The values of an account that an administrator chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserValues {
    /// The username.
    pub name: Username,
    /// The person's name; may be empty.
    pub full_name: FullName,
    /// The email address.
    pub email: EmailAddress,
    /// The role.
    pub role: Role,
    /// The limits of the user's containers.
    pub limits: Limits,
    /// When the account expires.
    pub access_ends: Option<Timestamp>,
}

/// The desired state of a user, new or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSpec {
    /// The values of the account.
    pub values: UserValues,
    /// The new password; `None` keeps the stored one.
    pub password: Option<Password>,
}
