//! What a container is now, from what should be and what is observed. A pure table, so that a
//! status is never stored and never stale.

use model::{containers::Status, jobs::JobKind};

/// What the observer knows of a container's cluster and of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The cluster or the node does not answer.
    Unreachable,
    /// The cluster answers and does not know the container.
    Missing,
    /// It runs.
    Running,
    /// It does not run.
    Stopped,
}

/// The status of a container: `made` once its creation was done, with the job at work on it.
pub(crate) fn status(made: bool, job: Option<JobKind>, seen: Seen) -> Status {
    match (made, job, seen) {
        (false, Some(JobKind::Create), _) => Status::Creating,
        (false, ..) => Status::Failed,
        (true, _, Seen::Unreachable) => Status::Unreachable,
        (true, _, Seen::Missing) => Status::Missing,
        (true, _, Seen::Running) => Status::Running,
        (true, _, Seen::Stopped) => Status::Stopped,
    }
}
