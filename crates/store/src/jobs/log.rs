//! Job logs: append-only lines, which a reader can continue from the last line it has.

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
