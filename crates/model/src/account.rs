//! The signed-in user's own account.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{FieldError, Fields, text::Password};

/// A user's request for a new password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordChange {
    /// The current password, of any length.
    pub current: CurrentPassword,
    /// The new password.
    pub new: Password,
}

/// A password to verify.
#[derive(Clone, PartialEq, Eq)]
pub struct CurrentPassword(pub String);

impl fmt::Debug for CurrentPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurrentPassword(…)")
    }
}

/// The form in which users change their own password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordForm {
    /// The current password.
    pub current: String,
    /// The new password.
    pub new: String,
}

impl fmt::Debug for PasswordForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordForm").finish_non_exhaustive()
    }
}

impl PasswordForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<PasswordChange, Vec<FieldError>> {
        let mut fields = Fields::default();
        if self.current.is_empty() {
            fields.add_error("current", "Enter your current password.");
        }
        let new = fields.parse::<Password>("new", &self.new);
        let change = new.map(|new| PasswordChange {
            current: CurrentPassword(self.current.clone()),
            new,
        });
        fields.finish(change)
    }
}
