//! The signed-in user's own account.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    FieldError, Fields, Invalid, Timestamp,
    names::EmailAddress,
    text::{FullName, Password, debug_only_fields, text_value},
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

/// What users change about their own account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The person's name; may be empty.
    pub full_name: FullName,
    /// The email address.
    pub email: EmailAddress,
}

/// The form of a [`Profile`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileForm {
    /// The person's name; may be empty.
    #[serde(default)]
    pub full_name: String,
    /// The email address.
    pub email: String,
}

impl ProfileForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<Profile, Vec<FieldError>> {
        let mut fields = Fields::default();
        let full_name = fields.parse("full_name", &self.full_name);
        let email = fields.parse("email", &self.email);
        let profile = full_name
            .zip(email)
            .map(|(full_name, email)| Profile { full_name, email });
        fields.finish(profile)
    }
}

/// The ID of a session for its user: the first 64 bits of the hash of the token, in hex. It cannot
/// be used to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(String);
text_value!(SessionId);

impl SessionId {
    const LENGTH: usize = 16;

    /// The ID of the session with this hash of its token.
    pub fn of(token_hash: &str) -> Self {
        Self(token_hash.chars().take(Self::LENGTH).collect())
    }
}

impl FromStr for SessionId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match text.len() == Self::LENGTH && text.bytes().all(is_hex) {
            true => Ok(Self(text.to_owned())),
            false => Err(Invalid::new("Enter 16 lowercase hexadecimal digits.")),
        }
    }
}

/// A session of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// The session.
    pub id: SessionId,
    /// The client's address at the sign-in.
    pub address: String,
    /// The browser's `User-Agent` at the sign-in.
    pub user_agent: String,
    /// When the user signed in.
    pub created: Timestamp,
    /// When the session was last used, to the minute.
    pub last_used: Timestamp,
    /// Whether the request that lists the sessions belongs to this one.
    pub is_current: bool,
}

impl SessionRow {
    /// The browser and operating system, such as `Firefox on Linux`; `None` if the user agent does
    /// not reveal them.
    pub fn browser(&self) -> Option<String> {
        let find = |known: &[(&str, &'static str)]| {
            let found = known
                .iter()
                .find(|(token, _)| self.user_agent.contains(token));
            found.map(|(_, name)| *name)
        };
        let browser = find(&BROWSERS)?;
        Some(find(&SYSTEMS).map_or(browser.to_owned(), |system| {
            format!("{browser} on {system}")
        }))
    }
}

/// Tokens of user agents. Edge's and Opera's contain Chrome's, and Chrome's contains Safari's.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

/// Tokens of user agents. Android's contains Linux's.
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];
