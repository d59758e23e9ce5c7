//! Lists of jobs and single jobs.

use diesel::{
    dsl::{IntoBoxed, count_star},
    prelude::*,
};
use model::{
    ContainerId, JobId, Timestamp, UserId,
    jobs::{JobRow, JobState},
    page::{PAGE_ROWS, Page},
};

use super::steps::{self, StepRecord};
use crate::{
    Conn, Error,
    dialect::{self, MultiBackend, lower},
    rows::{self, RowRef},
    schema::jobs,
};

/// The filter of a list of jobs.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only jobs of this user's containers.
    pub owner: Option<UserId>,
    /// Only jobs in this state.
    pub state: Option<JobState>,
    /// Only jobs of this container.
    pub container: Option<ContainerId>,
    /// Only jobs whose container name contains this text, ignoring case.
    pub query: String,
    /// The page number, from 1.
    pub page: u32,
}

/// A job with all related rows except its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// The values that lists show.
    pub row: JobRow,
    /// The steps, in order.
    pub steps: Vec<StepRecord>,
    /// The arguments, as JSON.
    pub args: String,
    /// How many times the job was claimed since it was queued.
    pub attempt: u32,
    /// Whether cancellation was requested.
    pub cancel_requested: bool,
    /// The error details from Proxmox.
    pub details: Option<String>,
    /// What the job left behind, one sentence per item.
    pub leftovers: Vec<String>,
    /// The owner of the container.
    pub owner: UserId,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs)]
struct Row {
    id: i64,
    kind: String,
    state: String,
    container_id: Option<i64>,
    container_name: String,
    site_name: String,
    actor_name: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    error: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs)]
struct DetailColumns {
    args: String,
    attempt: i64,
    cancel_requested: bool,
    details: Option<String>,
    leftovers: String,
    owner_id: i64,
}

impl Row {
    fn into_view(self, (steps_done, steps): (u32, u32)) -> Result<JobRow, Error> {
        let row_ref = RowRef::new("jobs", &self.id);
        Ok(JobRow {
            id: JobId(self.id),
            kind: row_ref.parse("kind", &self.kind)?,
            state: row_ref.parse("state", &self.state)?,
            container: self.container_id.map(ContainerId),
            container_name: row_ref.parse("container_name", &self.container_name)?,
            site: row_ref.parse("site_name", &self.site_name)?,
            actor: row_ref.parse_optional("actor_name", self.actor_name.as_deref())?,
            created: Timestamp(self.created_at),
            started: self.started_at.map(Timestamp),
            finished: self.finished_at.map(Timestamp),
            steps_done,
            steps,
            error: self.error,
        })
    }
}

fn filtered(filter: &JobFilter) -> IntoBoxed<'_, jobs::table, MultiBackend> {
    let mut query = jobs::table.into_boxed::<MultiBackend>();
    if let Some(owner) = filter.owner {
        query = query.filter(jobs::owner_id.eq(owner.0));
    }
    if let Some(state) = filter.state {
        query = query.filter(jobs::state.eq(state.as_str()));
    }
    if let Some(container) = filter.container {
        query = query.filter(jobs::container_id.eq(container.0));
    }
    if !filter.query.trim().is_empty() {
        let pattern = dialect::like_pattern(&filter.query);
        query = query.filter(lower(jobs::container_name).like(pattern).escape('!'));
    }
    query
}

/// Returns a page of jobs, newest first. Three statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list(c: &mut Conn, filter: &JobFilter) -> Result<Page<JobRow>, Error> {
    let (page, before) = rows::page_offset(filter.page);
    let total: i64 = filtered(filter).select(count_star()).first(&mut c.0)?;
    let rows: Vec<Row> = filtered(filter)
        .order(jobs::id.desc())
        .limit(i64::from(PAGE_ROWS))
        .offset(before)
        .select(Row::as_select())
        .load(&mut c.0)?;
    Ok(rows::to_page(into_views(c, rows)?, total, page))
}

/// Returns the queued and running jobs, newest first, at most 50.
///
/// # Errors
/// When the database is unavailable.
pub fn list_active(c: &mut Conn, owner: Option<UserId>) -> Result<Vec<JobRow>, Error> {
    let filter = JobFilter {
        owner,
        ..JobFilter::default()
    };
    let rows: Vec<Row> = filtered(&filter)
        .filter(jobs::state.eq_any([JobState::Queued.as_str(), JobState::Running.as_str()]))
        .order(jobs::id.desc())
        .limit(i64::from(PAGE_ROWS))
        .select(Row::as_select())
        .load(&mut c.0)?;
    into_views(c, rows)
}

fn into_views(c: &mut Conn, rows: Vec<Row>) -> Result<Vec<JobRow>, Error> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut counts = steps::count_steps(c, &ids)?;
    rows.into_iter()
        .map(|row| {
            let counts = counts.remove(&row.id).unwrap_or_default();
            row.into_view(counts)
        })
        .collect()
}

/// Returns a job with its steps.
///
/// # Errors
/// When the database is unavailable.
pub fn get(c: &mut Conn, id: JobId) -> Result<Option<JobRecord>, Error> {
    let columns: Option<(Row, DetailColumns)> = jobs::table
        .find(id.0)
        .select((Row::as_select(), DetailColumns::as_select()))
        .first(&mut c.0)
        .optional()?;
    let Some((row, details)) = columns else {
        return Ok(None);
    };
    let steps = steps::list_steps(c, id)?;
    let finished = steps.iter().filter(|step| step.is_finished()).count();
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let row_ref = RowRef::new("jobs", &id);
    Ok(Some(JobRecord {
        row: row.into_view((number(finished), number(steps.len())))?,
        steps,
        args: details.args,
        attempt: row_ref.convert_number("attempt", details.attempt)?,
        cancel_requested: details.cancel_requested,
        details: details.details,
        leftovers: row_ref.parse_json("leftovers", &details.leftovers)?,
        owner: UserId(details.owner_id),
    }))
}
