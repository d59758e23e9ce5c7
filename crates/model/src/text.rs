//! Free text: descriptions, commands, passwords; and macros for types that are stored as text. Must
//! not know where a text is used or stored.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::Invalid;

/// Implements conversions from and to `String` for a type with `FromStr` and `Display`, for serde.
macro_rules! by_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = $crate::error::Invalid;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}
pub(crate) use by_text;

/// Common methods and conversions of a tuple struct around a `String` with `FromStr`.
macro_rules! text_value {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        $crate::text::by_text!($name);
    };
}
pub(crate) use text_value;

/// Implements `Debug` with these fields only, because the others may contain secrets.
macro_rules! debug_only_fields {
    ($name:ident { $($field:ident),* }) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use debug_only_fields;

/// Whether Proxmox VE refuses the character in `env` and `entrypoint`: all ASCII controls except
/// tab (patterns of both parameters of `PUT /nodes/{node}/lxc/{vmid}/config`, version 9.2).
pub(crate) fn is_refused_control(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

/// A description: up to 2000 characters, with line breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Description(String);
text_value!(Description);

impl FromStr for Description {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // Browsers submit the lines of a text area with CR LF.
        let text = text.trim_ascii().replace("\r\n", "\n");
        if text.chars().count() > 2000 {
            return Err(Invalid::new("Use at most 2000 characters."));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Invalid::new(
                "Use plain text without control characters other than line breaks.",
            ));
        }
        Ok(Self(text))
    }
}

/// The name of a person: up to 100 characters on one line; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FullName(String);
text_value!(FullName);

impl FromStr for FullName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.chars().count() > 100 || text.chars().any(char::is_control) {
            return Err(Invalid::new("Use at most 100 characters on one line."));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A command line that replaces the image's own: one line of up to 2000 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Entrypoint(String);
text_value!(Entrypoint);

impl FromStr for Entrypoint {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        if text.is_empty() || text.chars().count() > 2000 || text.chars().any(is_refused_control) {
            return Err(Invalid::new(
                "Enter one line of at most 2000 characters without control characters.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A password: 8 to 256 characters, not trimmed. Its `Debug` output hides the value; it can be
/// serialized because forms contain it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Password(String);

impl Password {
    /// The password, for hashing.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl FromStr for Password {
    type Err = Invalid;

    /// Does not trim white space, which is part of the password at sign-in too.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for Password {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        if (8..=256).contains(&text.chars().count()) {
            Ok(Self(text))
        } else {
            Err(Invalid::new("Use 8 to 256 characters."))
        }
    }
}

impl From<Password> for String {
    fn from(password: Password) -> Self {
        password.0
    }
}
