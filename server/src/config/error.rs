//! What can be wrong with a configuration, in a sentence with the key and its place.

use std::{io, path::PathBuf};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// The file is no TOML, or a value is of the wrong kind.
    #[error("{place}: {why}")]
    Form {
        /// The file or variable.
        place: String,
        /// The parser's words.
        why: String,
    },
    /// A key that does not exist.
    #[error("`{key}` in {place} is no setting{}", near(nearest.as_ref()))]
    UnknownKey {
        /// As it was written.
        key: String,
        /// The file.
        place: String,
        /// The setting that was probably meant.
        nearest: Option<String>,
    },
    /// A variable that begins as ours do and does not exist.
    #[error("the variable {name} is no setting{}", near(nearest.as_ref()))]
    UnknownVariable {
        /// As it was written.
        name: String,
        /// The variable that was probably meant.
        nearest: Option<String>,
    },
    /// A value that cannot be used.
    #[error("{key} ({place}): {why}")]
    Value {
        /// The setting.
        key: String,
        /// The file or variable that it comes from.
        place: String,
        /// What would be right.
        why: String,
    },
}

fn near(nearest: Option<&String>) -> String {
    nearest
        .map(|name| format!("; {name} is near to it"))
        .unwrap_or_default()
}

/// The candidate that looks most like `text`, if one is alike at all.
pub(super) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(own_part(text), own_part(candidate)),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

/// Without the beginning that all variables share, which would make all of them alike.
fn own_part(name: &str) -> &str {
    name.strip_prefix("HOLDFAST_").unwrap_or(name)
}
