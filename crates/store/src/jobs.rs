//! Jobs with their leases, steps and logs. Must not know what a kind of job does.
//!
//! Every write of a worker requires the lease of its job.

mod lease;
mod list;
mod log;
mod retention;
mod steps;

use diesel::prelude::*;
use model::{
    ContainerId, JobId, SiteId, UserId,
    jobs::{JobKind, JobState, StepState},
    names::{Label, Username},
    permissions::{ContainerManage, JobManage, Permit},
};

use crate::{
    Conn, Error, dialect, rows,
    schema::{job_steps, jobs},
};

pub use lease::{Heartbeat, JobOutcome, claim, finish, next_due_in_ms, release, renew_lease};
pub use list::{JobFilter, JobRecord, get, list, list_active};
pub use log::{append_log, list_log};
pub use retention::delete_ended;
pub use steps::{StepRecord, finish_step, save_step_data, start_step, update_step_progress};

/// The values of a new job.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The kind.
    pub kind: JobKind,
    /// The container.
    pub container: ContainerId,
    /// The container's current name.
    pub container_name: Label,
    /// The container's site.
    pub site: SiteId,
    /// The site's current name.
    pub site_name: Label,
    /// The owner of the container; has access to the job.
    pub owner: UserId,
    /// The actor; `None` for the manager itself.
    pub actor: Option<(UserId, Username)>,
    /// The arguments, as JSON that only the caller interprets.
    pub args: String,
    /// The name and title of each step, in order.
    pub steps: Vec<(String, String)>,
}

/// Inserts a queued job with its steps.
///
/// # Errors
/// [`Error::Duplicate`] of [`ActiveJob`](crate::Unique::ActiveJob) while the container has a queued
/// or running job; [`Error::NotFound`] when the container does not exist.
pub fn insert(c: &mut Conn, _: Permit<ContainerManage>, new: &NewJob) -> Result<JobId, Error> {
    let actor = new.actor.as_ref();
    diesel::insert_into(jobs::table)
        .values((
            jobs::kind.eq(new.kind.as_str()),
            jobs::state.eq(JobState::Queued.as_str()),
            jobs::container_id.eq(new.container.0),
            jobs::active_container_id.eq(new.container.0),
            jobs::container_name.eq(new.container_name.as_str()),
            jobs::site_id.eq(new.site.0),
            jobs::site_name.eq(new.site_name.as_str()),
            jobs::owner_id.eq(new.owner.0),
            jobs::actor_id.eq(actor.map(|(id, _)| id.0)),
            jobs::actor_name.eq(actor.map(|(_, name)| name.as_str())),
            jobs::args.eq(&new.args),
            jobs::attempt.eq(0),
            jobs::cancel_requested.eq(false),
            jobs::created_at.eq(dialect::now(&c.0)),
            jobs::leftovers.eq("[]"),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    let id = dialect::inserted_id(&mut c.0)?;
    for (position, (name, title)) in (0i64..).zip(&new.steps) {
        diesel::insert_into(job_steps::table)
            .values((
                job_steps::job_id.eq(id),
                job_steps::position.eq(position),
                job_steps::name.eq(name),
                job_steps::title.eq(title),
                job_steps::state.eq(StepState::Waiting.as_str()),
            ))
            .execute(&mut c.0)?;
    }
    Ok(JobId(id))
}

/// Requests the cancellation of a job in one of these states. Returns false when the job is in
/// another state. The worker decides how to react.
///
/// # Errors
/// When the database is unavailable.
pub fn request_cancel(
    c: &mut Conn,
    _: Permit<JobManage>,
    id: JobId,
    states: &[JobState],
) -> Result<bool, Error> {
    let states = states.iter().map(|state| state.as_str());
    let requested = diesel::update(jobs::table.find(id.0))
        .filter(jobs::state.eq_any(states))
        .set(jobs::cancel_requested.eq(true))
        .execute(&mut c.0)?;
    Ok(requested > 0)
}

/// Queues a failed or canceled job again, from its first step, and shortens its log. Returns false
/// when the job is in another state or its container does not exist.
///
/// # Errors
/// [`Error::Duplicate`] of [`ActiveJob`](crate::Unique::ActiveJob) while the container has another
/// queued or running job.
pub fn requeue(c: &mut Conn, _: Permit<JobManage>, id: JobId) -> Result<bool, Error> {
    let queued = diesel::update(jobs::table.find(id.0))
        .filter(jobs::state.eq_any([JobState::Failed.as_str(), JobState::Canceled.as_str()]))
        .filter(jobs::container_id.is_not_null())
        .set((
            jobs::state.eq(JobState::Queued.as_str()),
            jobs::active_container_id.eq(jobs::container_id),
            jobs::cancel_requested.eq(false),
            jobs::attempt.eq(0),
            jobs::started_at.eq(None::<i64>),
            jobs::finished_at.eq(None::<i64>),
            jobs::error.eq(None::<String>),
            jobs::details.eq(None::<String>),
            jobs::leftovers.eq("[]"),
        ))
        .execute(&mut c.0)?;
    if queued == 0 {
        return Ok(false);
    }
    steps::reset_steps(c, id)?;
    log::shorten(c, id)?;
    Ok(true)
}

/// The SQL condition that `worker` holds the lease of job `id`.
macro_rules! lease_held {
    ($c:expr, $id:expr, $worker:expr) => {
        $crate::schema::jobs::id
            .eq($id.0)
            .and($crate::schema::jobs::state.eq(::model::jobs::JobState::Running.as_str()))
            .and($crate::lease::is_held!($c, jobs, $worker))
    };
}
use lease_held;

/// Serializes the items that a job left behind.
fn leftovers_json(leftovers: &[String]) -> Result<String, Error> {
    rows::to_json(&leftovers)
}
