//! Who is at a job: claiming, keeping and giving back.

use diesel::{dsl::min, prelude::*};
use model::{JobId, jobs::JobState};

use super::{JobRecord, held, left_json, record};
use crate::{Conn, Error, dialect, schema::jobs};

/// How many of the oldest jobs a worker tries for before it looks again.
const CANDIDATES: i64 = 8;

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Done, failed or cancelled.
    pub state: JobState,
    /// Why it failed, in one sentence.
    pub error: Option<String>,
    /// The machine's own words about it.
    pub words: Option<String>,
    /// What is left behind, a sentence each.
    pub left: Vec<String>,
}

/// What a heartbeat found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Whether the worker still holds the job.
    pub held: bool,
    /// Whether somebody asked the job to stop.
    pub cancel: bool,
}

/// Takes the oldest job that is queued, or whose worker let its lease run out, for `lease_ms`.
/// One conditional update decides who has it.
///
/// # Errors
/// When the database does not answer.
pub fn claim(c: &mut Conn, owner: &str, lease_ms: i64) -> Result<Option<JobRecord>, Error> {
    macro_rules! free {
        () => {
            jobs::state.eq(JobState::Queued.as_str()).or(jobs::state
                .eq(JobState::Running.as_str())
                .and(
                    jobs::lease_until
                        .is_null()
                        .or(jobs::lease_until.le(dialect::now(&c.0).nullable())),
                ))
        };
    }
    loop {
        let candidates: Vec<(i64, Option<i64>)> = jobs::table
            .filter(free!())
            .order(jobs::id)
            .limit(CANDIDATES)
            .select((jobs::id, jobs::started_at))
            .load(&mut c.0)?;
        if candidates.is_empty() {
            return Ok(None);
        }
        for (id, started) in candidates {
            let taken = diesel::update(jobs::table.find(id))
                .filter(free!())
                .set((
                    jobs::state.eq(JobState::Running.as_str()),
                    jobs::lease_owner.eq(owner),
                    jobs::lease_until.eq(dialect::now_plus(&c.0, lease_ms).nullable()),
                    jobs::attempt.eq(jobs::attempt + 1),
                ))
                .execute(&mut c.0)?;
            if taken == 0 {
                continue;
            }
            if started.is_none() {
                diesel::update(jobs::table.find(id))
                    .set(jobs::started_at.eq(dialect::now(&c.0).nullable()))
                    .execute(&mut c.0)?;
            }
            return record(c, JobId(id));
        }
        // Others were quicker with each of them, so there are fewer now: look again.
    }
}

/// Keeps a job for `lease_ms` from now, if the worker still holds it.
///
/// # Errors
/// When the database does not answer.
pub fn heartbeat(c: &mut Conn, id: JobId, owner: &str, lease_ms: i64) -> Result<Beat, Error> {
    let kept = diesel::update(jobs::table)
        .filter(held!(c, id, owner))
        .set(jobs::lease_until.eq(dialect::now_plus(&c.0, lease_ms).nullable()))
        .execute(&mut c.0)?;
    if kept == 0 {
        return Ok(Beat {
            held: false,
            cancel: false,
        });
    }
    let cancel = jobs::table
        .find(id.0)
        .select(jobs::cancel_requested)
        .first(&mut c.0)?;
    Ok(Beat { held: true, cancel })
}

/// Ends a job, if the worker still holds it; whether it does.
///
/// # Errors
/// When the database does not answer.
pub fn finish(c: &mut Conn, id: JobId, owner: &str, outcome: &Outcome) -> Result<bool, Error> {
    let ended = diesel::update(jobs::table)
        .filter(held!(c, id, owner))
        .set((
            jobs::state.eq(outcome.state.as_str()),
            jobs::active_container.eq(None::<i64>),
            jobs::lease_owner.eq(None::<String>),
            jobs::lease_until.eq(None::<i64>),
            jobs::finished_at.eq(dialect::now(&c.0).nullable()),
            jobs::error.eq(outcome.error.as_deref()),
            jobs::words.eq(outcome.words.as_deref()),
            jobs::left_json.eq(left_json(&outcome.left)?),
        ))
        .execute(&mut c.0)?;
    Ok(ended > 0)
}

/// Gives a job back, so that another worker can go on at once. Nothing happens when the worker
/// holds it no more.
///
/// # Errors
/// When the database does not answer.
pub fn release(c: &mut Conn, id: JobId, owner: &str) -> Result<(), Error> {
    diesel::update(jobs::table)
        .filter(held!(c, id, owner))
        .set((
            jobs::lease_owner.eq(None::<String>),
            jobs::lease_until.eq(None::<i64>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// In how many milliseconds the next job can be claimed, unless its worker keeps it: 0 when one is
/// queued, none when there is nothing to do.
///
/// # Errors
/// When the database does not answer.
pub fn next_due_ms(c: &mut Conn) -> Result<Option<i64>, Error> {
    let waiting = jobs::state.eq(JobState::Queued.as_str()).or(jobs::state
        .eq(JobState::Running.as_str())
        .and(jobs::lease_until.is_null()));
    let waiting: Option<i64> = jobs::table
        .filter(waiting)
        .select(jobs::id)
        .first(&mut c.0)
        .optional()?;
    if waiting.is_some() {
        return Ok(Some(0));
    }
    let earliest: Option<i64> = jobs::table
        .filter(jobs::state.eq(JobState::Running.as_str()))
        .select(min(jobs::lease_until))
        .first(&mut c.0)?;
    let Some(earliest) = earliest else {
        return Ok(None);
    };
    Ok(Some(earliest.saturating_sub(crate::now(c)?.0).max(0)))
}
