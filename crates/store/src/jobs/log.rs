//! Job logs: lines that are appended, which a reader can continue from the last line it has. A
//! retry deletes old lines.

use diesel::prelude::*;
use model::{JobId, Timestamp, jobs::LogLine};

use crate::{Conn, Error, dialect, schema::job_log};

/// Appends lines to a job's log, all with the same timestamp.
///
/// # Errors
/// [`Error::NotFound`] when the job does not exist.
pub fn append_log(c: &mut Conn, id: JobId, lines: &[String]) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let at = crate::now(c)?;
    dialect::insert_log(&mut c.0, id.0, at.0, lines).map_err(Error::from_insert)
}

/// How many lines of earlier attempts are kept.
const KEPT_LINES: i64 = 1000;
/// Replaces the oldest kept line when older ones are deleted.
const DELETED: &str = "Older lines were deleted.";

/// Deletes the lines of earlier attempts except the last ones, so that retries do not grow the log
/// without limit.
pub(super) fn shorten(c: &mut Conn, id: JobId) -> Result<(), Error> {
    let first_kept: Option<i64> = job_log::table
        .filter(job_log::job_id.eq(id.0))
        .order(job_log::id.desc())
        .offset(KEPT_LINES - 1)
        .select(job_log::id)
        .first(&mut c.0)
        .optional()?;
    let Some(first_kept) = first_kept else {
        return Ok(());
    };
    let older = job_log::table
        .filter(job_log::job_id.eq(id.0))
        .filter(job_log::id.lt(first_kept));
    if diesel::delete(older).execute(&mut c.0)? > 0 {
        diesel::update(job_log::table.find(first_kept))
            .set(job_log::line.eq(DELETED))
            .execute(&mut c.0)?;
    }
    Ok(())
}

/// Returns the lines of a job's log after the line with the number `after`, at most `limit`.
///
/// # Errors
/// When the database is unavailable.
pub fn list_log(c: &mut Conn, id: JobId, after: i64, limit: u32) -> Result<Vec<LogLine>, Error> {
    let rows: Vec<(i64, i64, String)> = job_log::table
        .filter(job_log::job_id.eq(id.0))
        .filter(job_log::id.gt(after))
        .order(job_log::id)
        .limit(i64::from(limit))
        .select((job_log::id, job_log::at, job_log::line))
        .load(&mut c.0)?;
    let line = |(seq, at, text)| LogLine {
        seq,
        at: Timestamp(at),
        text,
    };
    Ok(rows.into_iter().map(line).collect())
}
