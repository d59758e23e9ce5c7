//! Jobs: list, show, cancel and retry. The worker runs them.

mod plan;

use model::{
    ContainerId, Error, JobId, Kind, UserId,
    containers::ContainerSource,
    events::{Event, Topic},
    jobs::{JobKind, JobQuery, JobRow, JobState, JobSummary, JobView, LogLine},
    names::Label,
    page::Page,
    permissions::{ContainerManage, JobList, JobManage, JobRead, OwnedAction, Permit},
};
use serde::{Deserialize, Serialize};
use store::{
    Conn,
    jobs::{JobFilter, JobRecord},
    sites::SiteRecord,
};

pub(crate) use plan::Step;

use crate::{
    Actor, Control,
    failure::StoreResultExt as _,
    rate_limit::{Allowance, JOBS},
};

/// The most log lines per response.
const LOG_LINES: u32 = 1000;

/// Returns a page of the jobs that the actor may see, newest first.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub async fn list(
    control: &Control,
    actor: &Actor,
    query: &JobQuery,
) -> Result<Page<JobRow>, Error> {
    let _: Permit<JobList> = actor.permit()?;
    let filter = JobFilter {
        owner: actor.owner_filter::<JobRead>(),
        state: query.state,
        container: query.container,
        query: query.q.trim().to_owned(),
        page: query.page.max(1),
    };
    control
        .store()
        .read(move |c| store::jobs::list(c, &filter))
        .await
        .into_model("list jobs")
}

/// Lists the queued and running jobs, for the page header.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub async fn list_active(control: &Control, actor: &Actor) -> Result<Vec<JobRow>, Error> {
    let _: Permit<JobList> = actor.permit()?;
    let owner = actor.owner_filter::<JobRead>();
    control
        .store()
        .read(move |c| store::jobs::list_active(c, owner))
        .await
        .into_model("list active jobs")
}

/// Summarizes the queued and running jobs, for the page header.
///
/// # Errors
/// As for [`list_active`].
pub async fn summarize_active(control: &Control, actor: &Actor) -> Result<JobSummary, Error> {
    Ok(JobSummary::from_jobs(&list_active(control, actor).await?))
}

/// Whether a job has ended.
///
/// # Errors
/// [`Error::NotFound`] as for [`get`].
pub async fn has_ended(control: &Control, actor: &Actor, id: JobId) -> Result<bool, Error> {
    let (record, _) = authorize::<JobRead>(control, actor, id).await?;
    Ok(record.row.state.has_ended())
}

/// Returns a job with its steps.
///
/// # Errors
/// [`Error::NotFound`] when the job does not exist or the actor may not see it.
pub async fn get(control: &Control, actor: &Actor, id: JobId) -> Result<JobView, Error> {
    let (record, _) = authorize::<JobRead>(control, actor, id).await?;
    let ended = record.row.state.has_ended();
    Ok(JobView {
        can_cancel: may_cancel(&record),
        can_retry: may_retry(&record),
        is_canceling: record.cancel_requested && !ended,
        steps: record.steps.into_iter().map(|step| step.view).collect(),
        details: record.details,
        leftovers: record.leftovers,
        row: record.row,
    })
}

/// Returns the lines of a job's log after `after`, at most 1000.
///
/// # Errors
/// [`Error::NotFound`] as for [`get`].
pub async fn get_log(
    control: &Control,
    actor: &Actor,
    id: JobId,
    after: i64,
) -> Result<Vec<LogLine>, Error> {
    authorize::<JobRead>(control, actor, id).await?;
    control
        .store()
        .read(move |c| store::jobs::list_log(c, id, after, LOG_LINES))
        .await
        .into_model("read job log")
}

/// Cancels a job. The worker undoes a creation that has started; other jobs can be canceled only
/// while they are queued.
///
/// # Errors
/// [`Error::Conflict`] when the job has ended or cannot be canceled; [`Error::TooManyRequests`] for
/// a deletion after too many jobs.
pub async fn cancel(control: &Control, actor: &Actor, id: JobId) -> Result<(), Error> {
    let (record, permit) = authorize::<JobManage>(control, actor, id).await?;
    let (requester, kind) = (actor.clone(), record.row.kind);
    // The job may have started since it was read.
    let canceled = may_cancel(&record)
        && control
            .store()
            .write(move |c| request_cancel(c, permit, &requester, &(id, kind)))
            .await
            .into_model("cancel job")??;
    if !canceled {
        return Err(Error::conflict("This job can no longer be canceled."));
    }
    control.0.workers.cancel(id);
    publish_job(control, id, record.owner);
    Ok(())
}

/// Requests a cancellation. Deletions count when they are canceled, not when they are queued: their
/// number is limited by the number of containers, unless they are canceled.
fn request_cancel(
    c: &mut Conn,
    permit: Permit<JobManage>,
    actor: &Actor,
    (id, kind): &(JobId, JobKind),
) -> Result<Result<bool, Error>, store::Error> {
    let allowance = match kind {
        JobKind::Delete => JobAllowance::obtain(c, actor)?,
        _ => Ok(JobAllowance::UNLIMITED),
    };
    let allowance = match allowance {
        Ok(allowance) => allowance,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let requested = store::jobs::request_cancel(c, permit, *id, cancelable_states(*kind))?;
    if requested {
        allowance.record(c)?;
    }
    Ok(Ok(requested))
}

/// Queues a failed or canceled job again. `confirm` is the container's name if the job deletes the
/// container, and ignored otherwise.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is another name, [`Error::Conflict`] when another job is
/// working on the container or the container no longer exists, [`Error::TooManyRequests`] after too
/// many jobs.
pub async fn retry(
    control: &Control,
    actor: &Actor,
    id: JobId,
    confirm: &str,
) -> Result<(), Error> {
    let (record, permit) = authorize::<JobManage>(control, actor, id).await?;
    let name = record.row.container_name.as_str();
    if record.row.kind == JobKind::Delete && confirm.trim() != name {
        let message = format!("Type {name} to delete the container.");
        return Err(Error::invalid_field("confirm", message));
    }
    let requester = actor.clone();
    let queued = may_retry(&record)
        && control
            .store()
            .write(move |c| requeue(c, permit, &requester, id))
            .await
            .into_model("retry job")??;
    if !queued {
        return Err(Error::conflict("This job cannot be retried."));
    }
    publish_job(control, id, record.owner);
    if let Some(container) = record.row.container {
        control
            .notifier()
            .publish_container(container, record.owner);
    }
    Ok(())
}

fn requeue(
    c: &mut Conn,
    permit: Permit<JobManage>,
    actor: &Actor,
    id: JobId,
) -> Result<Result<bool, Error>, store::Error> {
    let allowance = match JobAllowance::obtain(c, actor)? {
        Ok(allowance) => allowance,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let queued = store::jobs::requeue(c, permit, id)?;
    if queued {
        allowance.record(c)?;
    }
    Ok(Ok(queued))
}

fn may_cancel(record: &JobRecord) -> bool {
    cancelable_states(record.row.kind).contains(&record.row.state) && !record.cancel_requested
}

/// The states in which a job can be canceled.
fn cancelable_states(kind: JobKind) -> &'static [JobState] {
    match kind {
        JobKind::Create => &[JobState::Queued, JobState::Running],
        // The filters protect the containers of other users.
        JobKind::Filters => &[],
        // Only a creation can be undone. A running job of another kind runs to its end.
        _ => &[JobState::Queued],
    }
}

fn may_retry(record: &JobRecord) -> bool {
    matches!(record.row.state, JobState::Failed | JobState::Canceled)
        && record.row.container.is_some()
}

/// Decides whether the actor may perform an action on a job, such as [`JobManage`], which may
/// change it. Returns the job with the permit.
async fn authorize<A: OwnedAction>(
    control: &Control,
    actor: &Actor,
    id: JobId,
) -> Result<(JobRecord, Permit<A>), Error> {
    let record = control
        .store()
        .read(move |c| store::jobs::get(c, id))
        .await
        .into_model("get job")?
        .ok_or(Error::not_found(Kind::Job))?;
    let permit = actor.permit_owned(record.owner, Kind::Job)?;
    Ok((record, permit))
}

/// A job to be queued.
pub(crate) struct NewJob<'a> {
    pub(crate) kind: JobKind,
    pub(crate) container: ContainerId,
    pub(crate) name: &'a Label,
    pub(crate) site: &'a SiteRecord,
    pub(crate) owner: UserId,
    pub(crate) source: &'a ContainerSource,
    pub(crate) allowance: JobAllowance,
}

/// The allowance of one job. Members may queue a limited number of jobs in a time.
pub(crate) struct JobAllowance(Option<Allowance>);

impl JobAllowance {
    /// The allowance of a job that has no limit.
    pub(crate) const UNLIMITED: Self = Self(None);

    /// Checks the limit of the actor. Call this before the first write of a transaction, because a
    /// refusal does not revert it.
    ///
    /// # Errors
    /// When the database is unavailable; the inner [`Error::TooManyRequests`] over the limit.
    pub(crate) fn obtain(c: &mut Conn, actor: &Actor) -> Result<Result<Self, Error>, store::Error> {
        match actor.owner_filter::<JobManage>() {
            Some(member) => Ok(JOBS
                .check(c, member)?
                .map(|allowance| Self(Some(allowance)))),
            None => Ok(Ok(Self::UNLIMITED)),
        }
    }

    /// Counts the use of the allowance; [`queue`] does so for a job.
    pub(crate) fn record(&self, c: &mut Conn) -> Result<(), store::Error> {
        self.0
            .as_ref()
            .map_or(Ok(()), |allowance| allowance.record(c))
    }
}

/// Arguments of a job in addition to its container, stored as JSON.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Args {
    /// For an edit: whether to restart the container when a value requires that.
    #[serde(default)]
    pub(crate) restart: bool,
    /// For a creation: whether to delete the image's archive first, so that it is pulled again.
    #[serde(default)]
    pub(crate) pull_again: bool,
}

/// Inserts a job in the caller's transaction, and counts it.
pub(crate) fn queue(
    c: &mut Conn,
    permit: Permit<ContainerManage>,
    actor: &Actor,
    job: &NewJob<'_>,
    args: Args,
) -> Result<JobId, store::Error> {
    job.allowance.record(c)?;
    let steps = plan::plan(job.kind, job.source, args);
    let new = store::jobs::NewJob {
        kind: job.kind,
        container: job.container,
        container_name: job.name.clone(),
        site: job.site.id,
        site_name: job.site.spec.name.clone(),
        owner: job.owner,
        actor: actor.signature(),
        args: serde_json::to_string(&args).unwrap_or_else(|_| "{}".to_owned()),
        steps: steps
            .iter()
            .map(|s| (s.word().to_owned(), s.title().to_owned()))
            .collect(),
    };
    store::jobs::insert(c, permit, &new)
}

/// Publishes that a job changed, and wakes a worker.
pub(crate) fn publish_job(control: &Control, id: JobId, owner: UserId) {
    control
        .notifier()
        .publish_owned(Event::of(Topic::Job, id.0), owner);
    control.0.workers.notify();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_jobs_cannot_be_canceled() {
        assert_eq!(cancelable_states(JobKind::Filters), []);
        assert_eq!(cancelable_states(JobKind::Delete), [JobState::Queued]);
    }
}
