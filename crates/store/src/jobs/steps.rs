//! Steps of jobs. A worker stores the outcome of each step before it starts the next one. Every
//! write requires the lease of the job.

use std::collections::HashMap;

use diesel::{
    dsl::{count_star, exists},
    prelude::*,
};
use model::{
    JobId, Timestamp,
    jobs::{Progress, StepState, StepView},
};

use super::lease_held;
use crate::{
    Conn, Error, dialect,
    rows::{self, RowRef},
    schema::{job_steps, jobs},
};

/// A step with the data that a worker needs to resume it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRecord {
    /// The position in the job, from 0.
    pub position: u32,
    /// The name that identifies the step in the code.
    pub name: String,
    /// The values that may be shown.
    pub view: StepView,
    /// The data that the step saved.
    pub data: Option<String>,
}

impl StepRecord {
    pub(super) fn is_finished(&self) -> bool {
        is_finished(self.view.state)
    }
}

/// Whether a step counts as finished in the progress of its job.
fn is_finished(state: StepState) -> bool {
    matches!(state, StepState::Done | StepState::Skipped)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = job_steps)]
struct Row {
    id: i64,
    position: i64,
    name: String,
    title: String,
    state: String,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    progress_done: Option<i64>,
    progress_total: Option<i64>,
    note: Option<String>,
    data: Option<String>,
}

impl Row {
    fn into_record(self) -> Result<StepRecord, Error> {
        let row_ref = RowRef::new("job_steps", &self.id);
        let progress = match self.progress_done.zip(self.progress_total) {
            Some((done, total)) => Some(Progress {
                done: row_ref.convert_number("progress_done", done)?,
                total: row_ref.convert_number("progress_total", total)?,
            }),
            None => None,
        };
        Ok(StepRecord {
            position: row_ref.convert_number("position", self.position)?,
            name: self.name,
            view: StepView {
                title: self.title,
                state: row_ref.parse("state", &self.state)?,
                started: self.started_at.map(Timestamp),
                finished: self.finished_at.map(Timestamp),
                progress,
                note: self.note,
            },
            data: self.data,
        })
    }
}

/// Returns the steps of a job, in order.
pub(super) fn list_steps(c: &mut Conn, job: JobId) -> Result<Vec<StepRecord>, Error> {
    let rows: Vec<Row> = job_steps::table
        .filter(job_steps::job_id.eq(job.0))
        .order(job_steps::position)
        .select(Row::as_select())
        .load(&mut c.0)?;
    rows.into_iter().map(Row::into_record).collect()
}

/// Returns for each job the number of finished steps and of all steps. One statement.
pub(super) fn count_steps(c: &mut Conn, jobs: &[i64]) -> Result<HashMap<i64, (u32, u32)>, Error> {
    let rows: Vec<(i64, String, i64)> = job_steps::table
        .filter(job_steps::job_id.eq_any(jobs))
        .group_by((job_steps::job_id, job_steps::state))
        .select((job_steps::job_id, job_steps::state, count_star()))
        .load(&mut c.0)?;
    let mut counts: HashMap<i64, (u32, u32)> = HashMap::new();
    for (job, state, number) in rows {
        let state =
            RowRef::new("job_steps", &format_args!("with job {job}")).parse("state", &state)?;
        let (done, all) = counts.entry(job).or_default();
        *all += rows::to_u32(number);
        if is_finished(state) {
            *done += rows::to_u32(number);
        }
    }
    Ok(counts)
}

/// Resets all steps of a job to waiting.
pub(super) fn reset_steps(c: &mut Conn, job: JobId) -> Result<(), Error> {
    diesel::update(job_steps::table.filter(job_steps::job_id.eq(job.0)))
        .set((
            job_steps::state.eq(StepState::Waiting.as_str()),
            job_steps::started_at.eq(None::<i64>),
            job_steps::finished_at.eq(None::<i64>),
            job_steps::progress_done.eq(None::<i64>),
            job_steps::progress_total.eq(None::<i64>),
            job_steps::note.eq(None::<String>),
            job_steps::data.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Updates the step at a position, if the worker holds the lease. Returns whether it does.
macro_rules! update_step {
    ($c:expr, $job:expr, $owner:expr, $position:expr, $set:expr) => {{
        let has_lease = exists(jobs::table.filter(lease_held!($c, $job, $owner)));
        let changed = diesel::update(job_steps::table)
            .filter(job_steps::job_id.eq($job.0))
            .filter(job_steps::position.eq(i64::from($position)))
            .filter(has_lease)
            .set($set)
            .execute(&mut $c.0)?;
        Ok(changed > 0)
    }};
}

/// Sets a step to running. Returns false and changes nothing when the worker `owner` does not hold
/// the lease.
///
/// # Errors
/// When the database is unavailable.
pub fn start_step(c: &mut Conn, job: JobId, owner: &str, position: u32) -> Result<bool, Error> {
    let set = (
        job_steps::state.eq(StepState::Running.as_str()),
        job_steps::started_at.eq(dialect::now(&c.0).nullable()),
        job_steps::finished_at.eq(None::<i64>),
    );
    update_step!(c, job, owner, position, set)
}

/// Saves the data that a step needs when it is resumed. Returns false and changes nothing when the
/// worker `owner` does not hold the lease.
///
/// # Errors
/// When the database is unavailable.
pub fn save_step_data(
    c: &mut Conn,
    job: JobId,
    owner: &str,
    position: u32,
    data: &str,
) -> Result<bool, Error> {
    update_step!(c, job, owner, position, job_steps::data.eq(data))
}

/// Updates the progress of a step. Returns false and changes nothing when the worker `owner` does
/// not hold the lease.
///
/// # Errors
/// When the database is unavailable.
pub fn update_step_progress(
    c: &mut Conn,
    job: JobId,
    owner: &str,
    position: u32,
    progress: Progress,
) -> Result<bool, Error> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let set = (
        job_steps::progress_done.eq(number(progress.done)),
        job_steps::progress_total.eq(number(progress.total)),
    );
    update_step!(c, job, owner, position, set)
}

/// Finishes a step with its state, its note for users and its data; `None` keeps the saved data.
/// Returns false and changes nothing when the worker `owner` does not hold the lease.
///
/// # Errors
/// When the database is unavailable.
pub fn finish_step(
    c: &mut Conn,
    job: JobId,
    owner: &str,
    position: u32,
    state: StepState,
    note: Option<&str>,
    data: Option<&str>,
) -> Result<bool, Error> {
    let set = (
        job_steps::state.eq(state.as_str()),
        job_steps::finished_at.eq(dialect::now(&c.0).nullable()),
        job_steps::note.eq(note),
        data.map(|data| job_steps::data.eq(data)),
    );
    update_step!(c, job, owner, position, set)
}
