//! The form of a user.

use serde::{Deserialize, Serialize};

use super::{LimitFields, UserRow, UserSpec, UserValues};
use crate::{Date, FieldError, Fields, Timestamp, names::Username, text::debug_only_fields};

/// The form of a user.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserForm {
    /// The username.
    pub name: String,
    /// The email address.
    pub email: String,
    /// `member`, `operator` or `administrator`.
    pub role: String,
    /// The password; on a change, empty keeps the stored one.
    #[serde(default)]
    pub password: String,
    /// The person's name; may be empty.
    #[serde(default)]
    pub full_name: String,
    /// The last date on which the account can be used; empty means no end.
    #[serde(default)]
    pub access_ends: String,
    /// The limits of the user's containers.
    #[serde(flatten)]
    pub limits: LimitFields,
}

debug_only_fields!(UserForm { name, role });

impl UserForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<UserSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let name = fields.parse::<Username>("name", &self.name);
        if let Some(refusal) = name.as_ref().and_then(Username::refusal) {
            fields.add_error("name", refusal);
        }
        let email = fields.parse("email", &self.email);
        let role = fields.parse("role", &self.role);
        let password = if self.password.is_empty() {
            Some(None)
        } else {
            fields.parse("password", &self.password).map(Some)
        };
        let full_name = fields.parse("full_name", &self.full_name);
        let access_ends = fields.optional::<Date>("access_ends", &self.access_ends);
        let limits = self.limits.parse(&mut fields);
        let spec = (|| {
            let values = UserValues {
                name: name?,
                full_name: full_name?,
                email: email?,
                role: role?,
                limits: limits?,
                access_ends: access_ends?.map(Date::end),
            };
            Some(UserSpec {
                values,
                password: password?,
            })
        })();
        fields.finish(spec)
    }
}

impl From<&UserRow> for UserForm {
    fn from(user: &UserRow) -> Self {
        Self {
            name: user.name.to_string(),
            email: user.email.to_string(),
            role: user.role.to_string(),
            password: String::new(),
            full_name: user.full_name.to_string(),
            access_ends: date_field(user.access_ends),
            limits: LimitFields::from(&user.limits),
        }
    }
}

/// The text of a form field for the last date before `end`.
fn date_field(end: Option<Timestamp>) -> String {
    end.map(|end| Date::ending_at(end).to_string())
        .unwrap_or_default()
}
