//! Configuration errors, with the key and the source of the value.

use std::{io, path::PathBuf};

/// An invalid configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        cause: io::Error,
    },
    /// The file is no valid TOML, or a value has the wrong type.
    #[error("{origin}: {reason}")]
    Form {
        /// The file or variable.
        origin: String,
        /// The parser's message.
        reason: String,
    },
    /// An unknown key.
    #[error("`{key}` in {origin} is not a setting{}", suggestion(nearest.as_ref()))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The file.
        origin: String,
        /// The most similar setting.
        nearest: Option<String>,
    },
    /// An unknown variable with the prefix `HOLDFAST_`.
    #[error("the variable {name} is not a setting{}", suggestion(nearest.as_ref()))]
    UnknownVariable {
        /// The variable as written.
        name: String,
        /// The most similar variable.
        nearest: Option<String>,
    },
    /// An invalid value.
    #[error("{key} ({origin}): {reason}")]
    Value {
        /// The setting.
        key: String,
        /// The file or variable that contains the value.
        origin: String,
        /// The expected form.
        reason: String,
    },
}

fn suggestion(nearest: Option<&String>) -> String {
    nearest
        .map(|name| format!("; did you mean {name}?"))
        .unwrap_or_default()
}

/// The candidate that is most similar to `text`, if any is similar enough.
pub(super) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(without_prefix(text), without_prefix(candidate)),
                candidate,
            )
        })
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

/// The name without the common prefix, which would make all variables similar.
fn without_prefix(name: &str) -> &str {
    name.strip_prefix("HOLDFAST_").unwrap_or(name)
}
