//! Names of pools and snapshots, parsed at the boundary of the crate, so that a
//! value that Proxmox would interpret as another name or as several is never sent.

use std::{fmt, str::FromStr};

use crate::ids::ParseError;

/// Defines a validated string type.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                if $check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(ParseError::new($what, text))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A pool ID. Up to three levels separated by slashes; the ID of a nested pool starts with its
    /// parent's.
    PoolId, "a pool name", is_pool
}

name! {
    /// The name of a snapshot, 2 to 40 characters: starts with a letter; letters, digits, `_`, `-`.
    /// Proxmox reserves `current` and `vzdump`.
    SnapshotName, "a snapshot name", is_snapshot
}

fn is_pool(text: &str) -> bool {
    let level = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    let levels: Vec<_> = text.split('/').collect();
    levels.len() <= 3 && levels.into_iter().all(level)
}

fn is_snapshot(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && !matches!(text, "current" | "vzdump")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_proxmox_formats() {
        let long = "a".repeat(41);
        for text in ["p1", "team/a/b", "1.x-y_z"] {
            assert_eq!(text.parse::<PoolId>().unwrap().to_string(), text);
        }
        for text in ["", "a//b", "/a", "a/", "a/b/c/d", "a b"] {
            assert!(text.parse::<PoolId>().is_err(), "{text}");
        }
        for text in ["s1", "before-update_2"] {
            assert!(text.parse::<SnapshotName>().is_ok(), "{text}");
        }
        for text in ["", "s", "1s", "a b", "a/b", "current", "vzdump", &long] {
            assert!(text.parse::<SnapshotName>().is_err(), "{text}");
        }
    }
}
