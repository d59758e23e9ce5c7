//! Usernames.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::is_word;
use crate::{error::Invalid, text::text_value};

/// The name that a user signs in with; also a valid POSIX account name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);
text_value!(Username);

impl FromStr for Username {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        let first = |c: char| c.is_ascii_lowercase() || c == '_';
        if text.len() > 32 || !is_word(text, first, |c| first(c) || c.is_ascii_digit() || c == '-')
        {
            return Err(Invalid::new(
                "Use 1 to 32 lowercase letters, digits, hyphens and underscores; start with a letter or underscore.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Accounts of operating systems and programs, and names that suggest authority.
const SYSTEM_USERNAMES: [&str; 21] = [
    "admin",
    "administrator",
    "backup",
    "bin",
    "daemon",
    "games",
    "holdfast",
    "list",
    "lp",
    "mail",
    "man",
    "news",
    "nobody",
    "operator",
    "postgres",
    "proxy",
    "root",
    "sshd",
    "sync",
    "sys",
    "uucp",
];

impl Username {
    /// Why no user can have this name, although it is valid.
    pub fn refusal(&self) -> Option<&'static str> {
        // The path of the form of a new user.
        (self.0 == "new").then_some("The name new is reserved. Enter another name.")
    }

    /// Whether only administrators may choose the name.
    pub fn is_system(&self) -> bool {
        SYSTEM_USERNAMES.contains(&self.as_str()) || self.0.starts_with("systemd-")
    }
}
