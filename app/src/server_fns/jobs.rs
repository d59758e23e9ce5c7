//! Jobs.

use leptos::prelude::*;
use model::{
    JobId,
    jobs::{JobQuery, JobRow, JobSummary, JobView, LogLine},
    page::Page,
};

use super::RequestError;

/// Lists a page of the jobs that the actor may see, newest first.
///
/// # Errors
/// As `control::jobs::list`.
#[server(prefix = "/api/ui", endpoint = "jobs/list", input = server_fn::codec::Json)]
pub async fn list(query: JobQuery) -> Result<Page<JobRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::jobs::list(&control, &actor, &query)
        .await
        .map_err(super::into_request_error)
}

/// Gets one job with its steps.
///
/// # Errors
/// As `control::jobs::get`.
#[server(prefix = "/api/ui", endpoint = "jobs/get", input = server_fn::codec::Json)]
pub async fn get(id: JobId) -> Result<JobView, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::jobs::get(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Whether a job has ended.
///
/// # Errors
/// As `control::jobs::has_ended`.
#[server(prefix = "/api/ui", endpoint = "jobs/has-ended", input = server_fn::codec::Json)]
pub async fn has_ended(id: JobId) -> Result<bool, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::jobs::has_ended(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// The lines of a job's log after line number `after`; 0 starts at the beginning.
///
/// # Errors
/// As `control::jobs::get_log`.
#[server(prefix = "/api/ui", endpoint = "jobs/log", input = server_fn::codec::Json)]
pub async fn log(id: JobId, after: i64) -> Result<Vec<LogLine>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::jobs::get_log(&control, &actor, id, after)
        .await
        .map_err(super::into_request_error)
}

/// Requests the cancellation of a job.
///
/// # Errors
/// As `control::jobs::cancel`.
#[server(prefix = "/api/ui", endpoint = "jobs/cancel", input = server_fn::codec::Json)]
pub async fn cancel(id: JobId) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::jobs::cancel(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Queues a failed job again. If the job deletes a container, its name has to be typed.
///
/// # Errors
/// As `control::jobs::retry`.
#[server(prefix = "/api/ui", endpoint = "jobs/retry", input = server_fn::codec::Json)]
pub async fn retry(id: JobId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::jobs::retry(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}

/// Lists the jobs that have not ended.
///
/// # Errors
/// As `control::jobs::list_active`.
#[server(prefix = "/api/ui", endpoint = "jobs/list-active", input = server_fn::codec::Json)]
pub async fn list_active() -> Result<Vec<JobRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::jobs::list_active(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Summarizes the jobs that have not ended.
///
/// # Errors
/// As `control::jobs::summarize_active`.
#[server(prefix = "/api/ui", endpoint = "jobs/summarize-active", input = server_fn::codec::Json)]
pub async fn summarize_active() -> Result<JobSummary, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::jobs::summarize_active(&control, &actor)
        .await
        .map_err(super::into_request_error)
}
