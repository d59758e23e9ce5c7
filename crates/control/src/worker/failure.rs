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
    /// Whether the sentence does not say what could not be done, so that the step may.
    #[serde(skip)]
    pub(super) general: bool,
}

impl Failure {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            words: None,
            transient: false,
            general: false,
        }
    }

    /// Says what could not be done, where that is not said already.
    pub(super) fn named(self, sentence: impl Into<String>) -> Self {
        if !self.general {
            return self;
        }
        Self {
            sentence: sentence.into(),
            general: false,
            ..self
        }
    }
}

/// What Proxmox said is kept apart: it is in no form that a sentence could end with.
impl From<proxmox::Error> for Failure {
    fn from(error: proxmox::Error) -> Self {
        let general = match &error {
            proxmox::Error::Refused { .. } => Some("Proxmox refused."),
            proxmox::Error::TaskFailed { .. } => Some("The task at Proxmox failed."),
            _ => None,
        };
        Self {
            sentence: general.map_or_else(|| error.to_string(), str::to_owned),
            words: error.words().map(str::to_owned),
            transient: error.is_transient(),
            general: general.is_some(),
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
            general: false,
        }
    }
}

impl From<model::Error> for Failure {
    fn from(error: model::Error) -> Self {
        Self::new(error.to_string())
    }
}
