//! Invitations: links with which people create accounts of their own.

use serde::{Deserialize, Serialize};

use crate::{
    Date, FieldError, Fields, InvitationId, Timestamp,
    names::{EmailAddress, Username},
    text::{FullName, Password, debug_only_fields},
    users::{LimitFields, Limits, Role},
};

/// What an invited person gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationSpec {
    /// The address of the invited person, and of the account.
    pub email: EmailAddress,
    /// The role of the account.
    pub role: Role,
    /// The limits of the account's containers.
    pub limits: Limits,
    /// When the account expires.
    pub access_ends: Option<Timestamp>,
}

/// An invitation that has not been accepted. An expired one can only be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationRow {
    /// The invitation.
    pub id: InvitationId,
    /// What the invited person gets.
    pub spec: InvitationSpec,
    /// Who created the invitation.
    pub invited_by: Username,
    /// When the invitation was created.
    pub created: Timestamp,
    /// When the link becomes invalid.
    pub expires: Timestamp,
}

/// A new invitation with its link, which is shown only once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedInvitation {
    /// The invitation.
    pub row: InvitationRow,
    /// The path and query of the link, to be appended to the public URL.
    pub link: String,
}

debug_only_fields!(IssuedInvitation { row });

/// The form of a new invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationForm {
    /// The address of the invited person.
    pub email: String,
    /// `member`, `operator` or `administrator`.
    pub role: String,
    /// The last date on which the account can be used; empty means no end.
    #[serde(default)]
    pub access_ends: String,
    /// The limits of the account's containers.
    #[serde(flatten)]
    pub limits: LimitFields,
}

impl InvitationForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<InvitationSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let email = fields.parse("email", &self.email);
        let role = fields.parse("role", &self.role);
        let access_ends = fields.optional::<Date>("access_ends", &self.access_ends);
        let limits = self.limits.parse(&mut fields);
        let spec = (|| {
            Some(InvitationSpec {
                email: email?,
                role: role?,
                limits: limits?,
                access_ends: access_ends?.map(Date::end),
            })
        })();
        fields.finish(spec)
    }
}

/// What an invited person chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The username.
    pub name: Username,
    /// The person's name; may be empty.
    pub full_name: FullName,
    /// The password.
    pub password: Password,
}

/// The form with which an invited person creates the account.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptanceForm {
    /// The username.
    pub name: String,
    /// The person's name; may be empty.
    #[serde(default)]
    pub full_name: String,
    /// The password.
    pub password: String,
}

debug_only_fields!(AcceptanceForm { name });

impl AcceptanceForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<Acceptance, Vec<FieldError>> {
        let mut fields = Fields::default();
        let name = fields.parse::<Username>("name", &self.name);
        let refusal = name.as_ref().and_then(|name| match name.is_system() {
            true => Some("This name is reserved. Enter another name."),
            false => name.refusal(),
        });
        if let Some(refusal) = refusal {
            fields.add_error("name", refusal);
        }
        let full_name = fields.parse("full_name", &self.full_name);
        let password = fields.parse("password", &self.password);
        let acceptance = (|| {
            Some(Acceptance {
                name: name?,
                full_name: full_name?,
                password: password?,
            })
        })();
        fields.finish(acceptance)
    }
}
