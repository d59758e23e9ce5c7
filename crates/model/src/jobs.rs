//! Jobs: background work with steps, a log, and a final state with a one-sentence error.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ContainerId, Invalid, JobId, Timestamp,
    names::{Label, Username},
};

macro_rules! string_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$variant_meta])* $variant),* }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in URLs and the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                match text.trim() {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(Invalid::new(concat!("Use one of:" $(, " ", $word)*, "."))),
                }
            }
        }
    };
}
pub(crate) use string_enum;

string_enum! {
    /// The operation of a job on its container.
    JobKind {
        /// Creates the container from a template or an image, and starts it.
        Create = "create",
        /// Starts the container.
        Start = "start",
        /// Shuts the container down, and stops it after a timeout.
        Stop = "stop",
        /// Stops and starts the container.
        Restart = "restart",
        /// Updates the container's configuration to the desired state.
        Edit = "edit",
        /// Deletes the container with its disk, and releases its resources.
        Delete = "delete",
        /// Sets or removes the interface filters of the container.
        Filters = "filters",
    }
}

impl JobKind {
    /// The verb of the job's title, before the container's name: `Create web-1`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Start => "Start",
            Self::Stop => "Stop",
            Self::Restart => "Restart",
            Self::Edit => "Update",
            Self::Delete => "Delete",
            Self::Filters => "Set interface filters of",
        }
    }

    /// The activity while the job runs: `creating`.
    pub fn activity(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Start => "starting",
            Self::Stop => "stopping",
            Self::Restart => "restarting",
            Self::Edit => "updating",
            Self::Delete => "deleting",
            Self::Filters => "setting filters",
        }
    }
}

string_enum! {
    /// The state of a job.
    JobState {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker executes the job.
        Running = "running",
        /// All steps are done.
        Done = "done",
        /// A step failed permanently; earlier steps were undone, or their leftovers are listed.
        Failed = "failed",
        /// A user canceled the job; earlier steps were undone, or their leftovers are listed.
        Canceled = "canceled",
    }
}

impl JobState {
    /// Whether the job has ended.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Canceled)
    }
}

string_enum! {
    /// The state of a step.
    StepState {
        /// Not started.
        Waiting = "waiting",
        /// Started.
        Running = "running",
        /// Finished.
        Done = "done",
        /// Failed permanently.
        Failed = "failed",
        /// Not needed.
        Skipped = "skipped",
        /// Done, and undone after a later failure.
        Undone = "undone",
    }
}

/// The progress of measurable work, such as bytes pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Done so far.
    pub done: u64,
    /// When `done` reaches this, the work is complete.
    pub total: u64,
}

/// A job, for lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// The job.
    pub id: JobId,
    /// The operation.
    pub kind: JobKind,
    /// The state.
    pub state: JobState,
    /// The container, while it exists.
    pub container: Option<ContainerId>,
    /// The container's name when the job was created.
    pub container_name: Label,
    /// The site's name.
    pub site: Label,
    /// The user who created the job; `None` for the manager itself.
    pub actor: Option<Username>,
    /// When the job was created.
    pub created: Timestamp,
    /// When a worker first started the job.
    pub started: Option<Timestamp>,
    /// When the job ended.
    pub finished: Option<Timestamp>,
    /// The number of finished steps.
    pub steps_done: u32,
    /// The number of all steps.
    pub steps: u32,
    /// Why the job failed, in one sentence.
    pub error: Option<String>,
}

/// A summary of the jobs that have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSummary {
    /// The number of jobs.
    pub count: u32,
    /// Their combined progress in percent.
    pub share: u32,
}

impl JobSummary {
    /// Summarizes jobs.
    pub fn from_jobs(jobs: &[JobRow]) -> Self {
        let steps: u32 = jobs.iter().map(|job| job.steps).sum();
        let done: u32 = jobs.iter().map(|job| job.steps_done).sum();
        Self {
            count: u32::try_from(jobs.len()).unwrap_or(u32::MAX),
            share: (done * 100).checked_div(steps).unwrap_or(0).min(100),
        }
    }
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// The step's title: `Pull the image`.
    pub title: String,
    /// The state.
    pub state: StepState,
    /// When the step started.
    pub started: Option<Timestamp>,
    /// When the step ended.
    pub finished: Option<Timestamp>,
    /// The progress, if measurable.
    pub progress: Option<Progress>,
    /// A short result: `node pve1, address 10.20.0.100`.
    pub note: Option<String>,
}

/// A job, for its page, without the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// The job.
    pub row: JobRow,
    /// The steps, in order.
    pub steps: Vec<StepView>,
    /// The original error message of the failure, for example from Proxmox.
    pub details: Option<String>,
    /// Leftovers after a failure, one sentence each.
    pub leftovers: Vec<String>,
    /// Whether cancellation was requested.
    pub is_canceling: bool,
    /// Whether the job can be canceled now.
    pub can_cancel: bool,
    /// Whether the job can be retried.
    pub can_retry: bool,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The line's number; increases within a job.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// The line.
    pub text: String,
}

/// A query for a list of jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobQuery {
    /// Only jobs in this state.
    pub state: Option<JobState>,
    /// Only jobs of this container.
    pub container: Option<ContainerId>,
    /// A substring of the container's name.
    pub q: String,
    /// The page number, starting at 1.
    pub page: u32,
}
