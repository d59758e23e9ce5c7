//! Leases of jobs: claim, renew, finish and release.

use diesel::{dsl::min, prelude::*};
use model::{JobId, jobs::JobState};

use super::{JobRecord, get, lease_held, leftovers_json};
use crate::{
    Conn, Error, dialect,
    lease::{held_for, is_free, released},
    schema::jobs,
};

/// The outcome of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOutcome {
    /// Done, failed or canceled.
    pub state: JobState,
    /// Why the job failed, in one sentence.
    pub error: Option<String>,
    /// The error details from Proxmox.
    pub details: Option<String>,
    /// What the job left behind, one sentence per item.
    pub leftovers: Vec<String>,
}

/// The SQL condition that a job is queued, or that its worker lost the lease.
macro_rules! is_claimable {
    ($c:expr) => {
        jobs::state.eq(JobState::Queued.as_str()).or(jobs::state
            .eq(JobState::Running.as_str())
            .and(is_free!($c, jobs)))
    };
}

/// The result of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whether the worker still holds the lease.
    pub is_held: bool,
    /// Whether cancellation was requested.
    pub cancel_requested: bool,
}

/// Claims a job that is queued or whose lease has expired, for `lease_ms`: of the owner with the
/// fewest running jobs, the oldest one. Skips owners of `max_per_owner` running jobs. A conditional
/// update decides which worker gets the lease.
///
/// # Errors
/// When the database is unavailable.
pub fn claim(
    c: &mut Conn,
    owner: &str,
    lease_ms: i64,
    max_per_owner: usize,
) -> Result<Option<JobRecord>, Error> {
    let Some(id) = claim_fairly(c, owner, lease_ms, max_per_owner)? else {
        return Ok(None);
    };
    diesel::update(jobs::table.find(id))
        .filter(jobs::started_at.is_null())
        .set(jobs::started_at.eq(dialect::now(&c.0).nullable()))
        .execute(&mut c.0)?;
    get(c, JobId(id))
}

fn claim_fairly(
    c: &mut Conn,
    owner: &str,
    lease_ms: i64,
    max_per_owner: usize,
) -> Result<Option<i64>, Error> {
    loop {
        let candidates = list_candidates(c, max_per_owner)?;
        if candidates.is_empty() {
            return Ok(None);
        }
        for id in candidates {
            let claimed = diesel::update(jobs::table.find(id))
                .filter(is_claimable!(c))
                .set((
                    jobs::state.eq(JobState::Running.as_str()),
                    held_for!(c, jobs, owner, lease_ms),
                    jobs::attempt.eq(jobs::attempt + 1),
                ))
                .execute(&mut c.0)?;
            if claimed > 0 {
                return Ok(Some(id));
            }
        }
        // Other processes claimed all candidates. There are fewer now, so this loop ends.
    }
}

/// The oldest claimable job of each owner, those of owners with the fewest running jobs first.
fn list_candidates(c: &mut Conn, max_per_owner: usize) -> Result<Vec<i64>, Error> {
    let oldest: Vec<(i64, Option<i64>)> = jobs::table
        .filter(is_claimable!(c))
        .group_by(jobs::owner_id)
        .select((jobs::owner_id, min(jobs::id)))
        .load(&mut c.0)?;
    if oldest.is_empty() {
        return Ok(Vec::new());
    }
    let running: Vec<i64> = jobs::table
        .filter(jobs::state.eq(JobState::Running.as_str()))
        .filter(jobs::lease_until.gt(dialect::now(&c.0).nullable()))
        .select(jobs::owner_id)
        .load(&mut c.0)?;
    let mut candidates: Vec<(usize, i64)> = oldest
        .into_iter()
        .filter_map(|(owner, id)| Some((running.iter().filter(|it| **it == owner).count(), id?)))
        .filter(|(running, _)| *running < max_per_owner)
        .collect();
    candidates.sort_unstable();
    Ok(candidates.into_iter().map(|(_, id)| id).collect())
}

/// Renews the lease of a job for `lease_ms` from now, if the worker still holds it.
///
/// # Errors
/// When the database is unavailable.
pub fn renew_lease(
    c: &mut Conn,
    id: JobId,
    owner: &str,
    lease_ms: i64,
) -> Result<Heartbeat, Error> {
    let renewed = diesel::update(jobs::table)
        .filter(lease_held!(c, id, owner))
        .set(held_for!(c, jobs, owner, lease_ms))
        .execute(&mut c.0)?;
    if renewed == 0 {
        return Ok(Heartbeat {
            is_held: false,
            cancel_requested: false,
        });
    }
    let cancel = jobs::table
        .find(id.0)
        .select(jobs::cancel_requested)
        .first(&mut c.0)?;
    Ok(Heartbeat {
        is_held: true,
        cancel_requested: cancel,
    })
}

/// Stores the outcome of a job, if the worker still holds the lease. Returns whether it does.
///
/// # Errors
/// When the database is unavailable.
pub fn finish(c: &mut Conn, id: JobId, owner: &str, outcome: &JobOutcome) -> Result<bool, Error> {
    let finished = diesel::update(jobs::table)
        .filter(lease_held!(c, id, owner))
        .set((
            jobs::state.eq(outcome.state.as_str()),
            jobs::active_container_id.eq(None::<i64>),
            released!(jobs),
            jobs::finished_at.eq(dialect::now(&c.0).nullable()),
            jobs::error.eq(outcome.error.as_deref()),
            jobs::details.eq(outcome.details.as_deref()),
            jobs::leftovers.eq(leftovers_json(&outcome.leftovers)?),
        ))
        .execute(&mut c.0)?;
    Ok(finished > 0)
}

/// Releases the lease of a job, so that another worker can continue immediately. Changes nothing
/// when the worker does not hold the lease.
///
/// # Errors
/// When the database is unavailable.
pub fn release(c: &mut Conn, id: JobId, owner: &str) -> Result<(), Error> {
    diesel::update(jobs::table)
        .filter(lease_held!(c, id, owner))
        .set(released!(jobs))
        .execute(&mut c.0)?;
    Ok(())
}

/// Returns in how many milliseconds the next job can be claimed if its lease is not renewed: 0 when
/// a job is queued, `None` when there is no unfinished job.
///
/// # Errors
/// When the database is unavailable.
pub fn next_due_in_ms(c: &mut Conn) -> Result<Option<i64>, Error> {
    let claimable = jobs::state.eq(JobState::Queued.as_str()).or(jobs::state
        .eq(JobState::Running.as_str())
        .and(jobs::lease_until.is_null()));
    let claimable: Option<i64> = jobs::table
        .filter(claimable)
        .select(jobs::id)
        .first(&mut c.0)
        .optional()?;
    if claimable.is_some() {
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
