//! The signed-in user's own account.

use serde::{Deserialize, Serialize};

use crate::{
    FieldError, Fields,
    text::{Password, debug_only_fields},
};

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

debug_only_fields!(CurrentPassword {});

/// The form in which users change their own password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordForm {
    /// The current password.
    pub current: String,
    /// The new password.
    pub new: String,
}

debug_only_fields!(PasswordForm {});

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
