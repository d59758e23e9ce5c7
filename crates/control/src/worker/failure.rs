//! Why a step failed.

use model::JobId;
use serde::{Deserialize, Serialize};

use crate::failure::internal;

/// The failure of a step: a sentence for users and the message of Proxmox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StepFailure {
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
    /// The last lines of the log of the failed Proxmox task.
    #[serde(skip)]
    pub(super) log: Vec<String>,
}

impl StepFailure {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            details: None,
            transient: false,
            is_generic: false,
            log: Vec::new(),
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
impl From<proxmox::Error> for StepFailure {
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
            log: Vec::new(),
        }
    }
}

/// Converts database errors of a job's steps.
pub(super) trait JobStoreResultExt<T> {
    /// Logs a database error with the job. The failure is transient if the database is unavailable:
    /// a short outage must not undo a user's container.
    #[track_caller]
    fn for_job(self, job: JobId) -> Result<T, StepFailure>;
}

impl<T> JobStoreResultExt<T> for Result<T, store::Error> {
    fn for_job(self, job: JobId) -> Result<T, StepFailure> {
        // Not a closure, which would hide the location of the caller.
        match self {
            Ok(value) => Ok(value),
            Err(store::Error::Unavailable { cause }) => {
                tracing::warn!(%job, error = cause, "job step database request failed");
                Err(StepFailure {
                    transient: true,
                    ..StepFailure::new("The database of Holdfast is unreachable.")
                })
            }
            Err(error) => {
                tracing::warn!(%job, %error, "job step database request failed");
                Err(internal("run job step", &error).into())
            }
        }
    }
}

impl From<model::Error> for StepFailure {
    fn from(error: model::Error) -> Self {
        Self::new(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unavailable_database_is_reported_as_unreachable_and_retried() {
        let failure = |error| {
            Err::<(), store::Error>(error)
                .for_job(JobId(1))
                .unwrap_err()
        };
        let unavailable = failure(store::Error::Unavailable {
            cause: "no connection".to_owned(),
        });
        assert!(unavailable.transient);
        assert_eq!(
            unavailable.sentence,
            "The database of Holdfast is unreachable."
        );
        let cause = "row of the wrong type".to_owned();
        for error in [store::Error::Internal { cause }, store::Error::NotFound] {
            let failure = failure(error);
            assert!(!failure.transient, "{failure:?}");
            assert!(
                failure.sentence.starts_with("Internal error."),
                "{failure:?}"
            );
        }
    }
}
