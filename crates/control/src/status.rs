//! Computes the status of a container from the desired and the observed state. Pure, so the status
//! is never stored and never stale.

use model::{containers::Status, jobs::JobKind};

/// The observed power state of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObservedState {
    /// The cluster or the node is unreachable.
    Unreachable,
    /// The cluster does not have the container.
    Missing,
    /// The container is running.
    Running,
    /// The container is stopped.
    Stopped,
}

/// The status of a container. `is_created` is set once its creation has ended; `job` is its active
/// job.
pub(crate) fn status(is_created: bool, job: Option<JobKind>, observed: ObservedState) -> Status {
    match (is_created, job, observed) {
        (false, Some(JobKind::Create), _) => Status::Creating,
        (false, ..) => Status::Failed,
        (true, _, ObservedState::Unreachable) => Status::Unreachable,
        (true, _, ObservedState::Missing) => Status::Missing,
        (true, _, ObservedState::Running) => Status::Running,
        (true, _, ObservedState::Stopped) => Status::Stopped,
    }
}
