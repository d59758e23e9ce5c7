//! Leases of rows, for tables with the columns `lease_owner` and `lease_until`. A process works on a
//! row while it holds the row's lease: `lease_owner` is its token and `lease_until` is in the future
//! by the clock of the database. A conditional update decides which of several processes gets a
//! lease, and every result is written under the condition that the lease is still held.

use model::Timestamp;

use crate::{Conn, Error};

/// The SQL condition that no process holds the lease of a row.
macro_rules! is_free {
    ($c:expr, $table:ident) => {
        $table::lease_until
            .is_null()
            .or($table::lease_until.le($crate::dialect::now(&$c.0).nullable()))
    };
}

/// The SQL condition that `owner` holds the lease of a row.
macro_rules! is_held {
    ($c:expr, $table:ident, $owner:expr) => {
        $table::lease_owner
            .eq($owner)
            .and($table::lease_until.gt($crate::dialect::now(&$c.0).nullable()))
    };
}

/// The changes that give the lease of a row to `owner` for `ms` milliseconds.
macro_rules! held_for {
    ($c:expr, $table:ident, $owner:expr, $ms:expr) => {
        (
            $table::lease_owner.eq($owner),
            $table::lease_until.eq($crate::dialect::now_plus(&$c.0, $ms).nullable()),
        )
    };
}

/// The changes that end the lease of a row.
macro_rules! released {
    ($table:ident) => {
        (
            $table::lease_owner.eq(None::<String>),
            $table::lease_until.eq(None::<i64>),
        )
    };
}

pub(crate) use {held_for, is_free, is_held, released};

/// In how many milliseconds work is due: at `scheduled` by the caller's clock, which reads `now`, or
/// when a lease ends at `leased` by the clock of the database.
pub(crate) fn until_due(
    c: &mut Conn,
    now: Timestamp,
    scheduled: Option<i64>,
    leased: Option<i64>,
) -> Result<Option<i64>, Error> {
    let scheduled = scheduled.map(|at| at.saturating_sub(now.0).max(0));
    let leased = match leased {
        Some(until) => Some(until.saturating_sub(crate::now(c)?.0).max(0)),
        None => None,
    };
    Ok(scheduled.into_iter().chain(leased).min())
}
