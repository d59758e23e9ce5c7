//! The data of one container's page, and the result of a request for a new container.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::ContainerView;
use crate::{
    ContainerId, JobId,
    jobs::{JobRow, JobView},
    names::Label,
    page::Page,
};

/// A container with its jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainerDetail {
    /// The container.
    pub view: ContainerView,
    /// The running job, if jobs were requested.
    pub work: Option<JobView>,
    /// The latest jobs, if jobs were requested.
    pub jobs: Option<Page<JobRow>>,
}

impl Deref for ContainerDetail {
    type Target = ContainerView;

    fn deref(&self) -> &ContainerView {
        &self.view
    }
}

/// The failed or canceled creation of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationFailure {
    /// The job.
    pub job: JobId,
    /// The error, in one sentence.
    pub message: String,
    /// Whether the job can be retried: no other job is working on the container.
    pub can_retry: bool,
}

/// A container whose creation has been queued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedContainer {
    /// The ID of the container.
    pub id: ContainerId,
    /// The name of its site.
    pub site: Label,
    /// The container's name.
    pub name: Label,
    /// The job that creates the container.
    pub job: JobId,
}
