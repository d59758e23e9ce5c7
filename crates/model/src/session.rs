//! The signed-in user and the sign-in form.

use serde::{Deserialize, Serialize};

use crate::{UserId, names::Username, text::debug_only_fields, users::Role};

/// The user of a request, for pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentUser {
    /// The user.
    pub id: UserId,
    /// The username.
    pub name: Username,
    /// The role.
    pub role: Role,
}

/// The sign-in form.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInForm {
    /// The username.
    pub name: String,
    /// The password.
    pub password: String,
}

debug_only_fields!(SignInForm { name });
