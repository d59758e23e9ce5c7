//! Deletion of old jobs.

use diesel::{dsl::exists, prelude::*};
use model::jobs::JobState;

use crate::{Conn, Error, dialect, schema::jobs};

/// Deletes at most `limit` jobs that ended more than `retention_ms` ago, with their steps and logs.
/// The latest job of each existing container is kept, because the container's page shows its error.
/// Returns the number of deleted jobs.
///
/// # Errors
/// When the database is unavailable.
pub fn delete_ended(c: &mut Conn, retention_ms: i64, limit: i64) -> Result<usize, Error> {
    let later = diesel::alias!(jobs as later);
    let has_later = exists(
        later
            .filter(later.field(jobs::container_id).eq(jobs::container_id))
            .filter(later.field(jobs::id).gt(jobs::id)),
    );
    let ended = [JobState::Done, JobState::Failed, JobState::Canceled];
    // MariaDB can neither limit nor delete by a subquery of the same table.
    let old: Vec<i64> = jobs::table
        .filter(jobs::state.eq_any(ended.map(JobState::as_str)))
        .filter(
            jobs::finished_at.lt(dialect::now_plus(&c.0, retention_ms.saturating_neg()).nullable()),
        )
        .filter(jobs::container_id.is_null().or(has_later))
        .order(jobs::id)
        .select(jobs::id)
        .limit(limit)
        .load(&mut c.0)?;
    let old = jobs::table.filter(jobs::id.eq_any(old));
    Ok(diesel::delete(old).execute(&mut c.0)?)
}
