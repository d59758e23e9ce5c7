//! Runs a transaction once, and decides whether it may be retried.

use std::{thread, time::Duration};

use rand::RngExt as _;

use crate::{Conn, Error, dialect};

/// Returns the result, and whether a failed transaction may be retried: not after a commit whose
/// response was lost.
pub(super) fn transaction<T>(
    conn: &mut Conn,
    f: &impl Fn(&mut Conn) -> Result<T, Error>,
) -> (Result<T, Error>, bool) {
    if let Err(error) = dialect::begin(&mut conn.0) {
        return (Err(error.into()), true);
    }
    match f(conn) {
        Ok(value) => match dialect::commit(&mut conn.0) {
            Ok(()) => (Ok(value), false),
            Err(error) => {
                let conflicted = is_conflict(&error);
                (Err(error.into()), conflicted)
            }
        },
        Err(error) => {
            if let Err(cause) = dialect::rollback(&mut conn.0) {
                tracing::debug!(error = %cause, "transaction rollback failed");
            }
            (Err(error), true)
        }
    }
}

fn is_conflict(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind::SerializationFailure, Error::DatabaseError};
    matches!(error, DatabaseError(SerializationFailure, _))
}

/// Waits for a random time before a retry. Its maximum doubles with each attempt, so that two
/// transactions do not keep conflicting.
#[expect(
    clippy::disallowed_methods,
    reason = "runs on a thread for blocking work"
)]
pub(super) fn wait_before_retry(attempt: u32) {
    let longest = 2_u64.saturating_pow(attempt + 1);
    let delay = Duration::from_millis(rand::rng().random_range(1..=longest));
    thread::sleep(delay);
}
