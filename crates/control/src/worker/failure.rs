//! Why a step did not do its work.

use serde::{Deserialize, Serialize};

/// A step's failure, in words for people and in the machine's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    /// One plain sentence.
    pub(super) sentence: String,
    /// What Proxmox said.
    pub(super) words: Option<String>,
    /// Whether the same may work later with nobody changing anything.
    #[serde(default)]
    pub(super) transient: bool,
}

impl Failure {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            words: None,
            transient: false,
        }
    }
}

impl From<proxmox::Error> for Failure {
    fn from(error: proxmox::Error) -> Self {
        Self {
            sentence: error.to_string(),
            words: error.words().map(str::to_owned),
            transient: error.is_transient(),
        }
    }
}

/// A database that does not answer for a moment must not undo a person's container.
impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        let transient = matches!(error, store::Error::Unavailable { .. });
        tracing::warn!(?error, "a job's step could not use the database");
        Self {
            sentence: "Holdfast's own database did not answer.".into(),
            words: None,
            transient,
        }
    }
}

impl From<model::Error> for Failure {
    fn from(error: model::Error) -> Self {
        Self::new(error.to_string())
    }
}
