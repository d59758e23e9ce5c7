//! Deletion of old jobs.

use diesel::{
    dsl::{exists, not},
    prelude::*,
};
use model::jobs::{JobKind, JobState};

use crate::{
    Conn, Error, dialect,
    schema::{containers, jobs},
};

/// Deletes at most `limit` jobs that ended more than `retention_ms` ago, with their steps and logs.
/// The latest job of each existing container is kept, and the creation of a container that does not
/// exist on its cluster, because the container's page shows their errors. Returns the number of
/// deleted jobs.
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
    let is_unprovisioned = exists(
        containers::table
            .filter(containers::id.nullable().eq(jobs::container_id))
            .filter(containers::provisioned_at.is_null()),
    );
    let is_shown = jobs::kind
        .eq(JobKind::Create.as_str())
        .and(is_unprovisioned);
    let ended = [JobState::Done, JobState::Failed, JobState::Canceled].map(JobState::as_str);
    let before = dialect::now_plus(&c.0, retention_ms.saturating_neg());
    // MariaDB can neither limit nor delete by a subquery of the same table.
    let old: Vec<i64> = jobs::table
        .filter(jobs::state.eq_any(ended))
        .filter(jobs::finished_at.lt(before.clone().nullable()))
        .filter(jobs::container_id.is_null().or(has_later))
        .filter(not(is_shown))
        .order(jobs::id)
        .select(jobs::id)
        .limit(limit)
        .load(&mut c.0)?;
    // A job that was queued again since then is kept.
    let old = jobs::table
        .filter(jobs::id.eq_any(old))
        .filter(jobs::state.eq_any(ended))
        .filter(jobs::finished_at.lt(before.nullable()));
    Ok(diesel::delete(old).execute(&mut c.0)?)
}
