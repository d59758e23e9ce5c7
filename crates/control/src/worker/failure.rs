//! Why a step failed.

use model::JobId;
use serde::{Deserialize, Serialize};

/// The failure of a step: a sentence for users and the message of Proxmox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    /// A plain sentence.
    pub(super) sentence: String,
    /// The message of Proxmox.
    pub(super) details: Option<String>,
    /// Whether a retry may succeed without any change.
    #[serde(default)]
    pub(super) transient: bool,
    /// Whether the sentence is generic, so that the step may replace it.
    #[serde(skip)]
    pub(super) is_generic: bool,
}

impl Failure {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            details: None,
            transient: false,
            is_generic: false,
        }
    }

    /// Replaces a generic sentence with a specific one.
    pub(super) fn with_sentence(self, sentence: impl Into<String>) -> Self {
        if !self.is_generic {
            return self;
        }
        Self {
            sentence: sentence.into(),
            is_generic: false,
            ..self
        }
    }
}

/// Keeps the message of Proxmox separate because it does not form a sentence.
impl From<proxmox::Error> for Failure {
    fn from(error: proxmox::Error) -> Self {
        let generic_sentence = match &error {
            proxmox::Error::Refused { .. } => Some("Proxmox rejected the request."),
            proxmox::Error::TaskFailed { .. } => Some("The Proxmox task failed."),
            _ => None,
        };
        Self {
            sentence: generic_sentence.map_or_else(|| error.to_string(), str::to_owned),
            details: error.proxmox_message().map(str::to_owned),
            transient: error.is_transient(),
            is_generic: generic_sentence.is_some(),
        }
    }
}

/// Converts database errors in the work of a job.
pub(super) trait StoreResultExt<T> {
    /// Logs a database error with the job. The error is transient if the database is unavailable: a
    /// short outage must not undo a user's container.
    fn for_job(self, job: JobId) -> Result<T, Failure>;
}

impl<T> StoreResultExt<T> for Result<T, store::Error> {
    fn for_job(self, job: JobId) -> Result<T, Failure> {
        self.map_err(|error| {
            tracing::warn!(%job, ?error, "job step database request failed");
            Failure {
                transient: matches!(error, store::Error::Unavailable { .. }),
                ..Failure::new("The database of Holdfast is unreachable.")
            }
        })
    }
}

impl From<model::Error> for Failure {
    fn from(error: model::Error) -> Self {
        Self::new(error.to_string())
    }
}
