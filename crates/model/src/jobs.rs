//! Jobs: long work with steps, a log and an end that is told in one sentence.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ContainerId, Invalid, JobId, Timestamp,
    names::{Label, Username},
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word in addresses, the API and the database.
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

words! {
    /// What a job does to its container.
    JobKind {
        /// Makes it from a template or an image, and starts it.
        Create = "create",
        /// Starts it.
        Start = "start",
        /// Shuts it down, and stops it when that takes too long.
        Stop = "stop",
        /// Stops and starts it.
        Restart = "restart",
        /// Brings its configuration to what should be.
        Edit = "edit",
        /// Takes it away with its disk, and gives back what it held.
        Delete = "delete",
    }
}

impl JobKind {
    /// The job as a title before the container's name: `Create web-1`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Start => "Start",
            Self::Stop => "Stop",
            Self::Restart => "Restart",
            Self::Edit => "Change",
            Self::Delete => "Delete",
        }
    }

    /// What is going on while the job runs: `creating`.
    pub fn activity(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Start => "starting",
            Self::Stop => "stopping",
            Self::Restart => "restarting",
            Self::Edit => "changing",
            Self::Delete => "deleting",
        }
    }
}

words! {
    /// How far a job is.
    JobState {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker is at it.
        Running = "running",
        /// All steps are done.
        Done = "done",
        /// A step failed for good; what was done before it is undone or named.
        Failed = "failed",
        /// A person stopped it; what was done is undone or named.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Whether nothing more will happen.
    pub fn ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// How far a step is.
    StepState {
        /// Not begun.
        Waiting = "waiting",
        /// Begun.
        Running = "running",
        /// Finished.
        Done = "done",
        /// Failed for good.
        Failed = "failed",
        /// Was not needed.
        Skipped = "skipped",
        /// Was done, and was taken back after a later failure.
        Undone = "undone",
    }
}

/// How much of a measurable piece of work is done, such as bytes pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Done so far.
    pub done: u64,
    /// In all.
    pub total: u64,
}

/// A job as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// The job.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub state: JobState,
    /// The container, while it exists.
    pub container: Option<ContainerId>,
    /// The container's name when the job was asked for.
    pub container_name: Label,
    /// The site's name.
    pub site: Label,
    /// Who asked for it; none for the system itself.
    pub actor: Option<Username>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When a worker first began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Steps that are finished.
    pub steps_done: u32,
    /// Steps in all.
    pub steps: u32,
    /// Why it failed, in one sentence.
    pub error: Option<String>,
}

/// The jobs that have not ended, in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// How many.
    pub count: u32,
    /// How far they are together, in percent.
    pub share: u32,
}

impl Running {
    /// What these jobs come to.
    pub fn of(jobs: &[JobRow]) -> Self {
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
    /// What it does: `Pull the image`.
    pub title: String,
    /// How far it is.
    pub state: StepState,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// How much is done, where there is a measure.
    pub progress: Option<Progress>,
    /// What it found or did, in a few words: `node pve1, address 10.20.0.100`.
    pub note: Option<String>,
}

/// A job as its page shows it, without the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// The job.
    pub row: JobRow,
    /// Its steps, in order.
    pub steps: Vec<StepView>,
    /// The machine's own words about the failure.
    pub words: Option<String>,
    /// What is left behind after a failure, a sentence each.
    pub left: Vec<String>,
    /// Whether it was asked to stop.
    pub cancelling: bool,
    /// Whether it can be asked to stop now.
    pub can_cancel: bool,
    /// Whether it can be tried again.
    pub can_retry: bool,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Grows from line to line of a job.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// The line.
    pub text: String,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobQuery {
    /// Only those in this state.
    pub state: Option<JobState>,
    /// Only those of this container.
    pub container: Option<ContainerId>,
    /// Only those whose container's name has this in it.
    pub q: String,
    /// The page, from 1.
    pub page: u32,
}
