//! Leases of rows, for tables with the columns `lease_owner` and `lease_until`. A process works on
//! a row while it holds the row's lease: `lease_owner` is its token and `lease_until` is in the
//! future by the clock of the database. A conditional update decides which of several processes
//! gets a lease, and every result is written under the condition that the lease is still held.

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

/// Claims the first row in `$order` that is `$claimable`, by the changes `$held`. Evaluates to the
/// row's ID, or `None` when no row is claimable. A conditional update decides which of several
/// processes gets a row; with several candidates, processes rarely compete for the same one.
macro_rules! claim_first {
    ($c:expr, $table:ident, $claimable:expr, $order:expr, $held:expr) => {
        loop {
            let candidates: Vec<i64> = $table::table
                .filter($claimable)
                .order($order)
                .limit($crate::lease::CANDIDATES)
                .select($table::id)
                .load(&mut $c.0)?;
            if candidates.is_empty() {
                break None;
            }
            let mut claimed = None;
            for id in candidates {
                let update = diesel::update($table::table.find(id)).filter($claimable);
                if update.set($held).execute(&mut $c.0)? > 0 {
                    claimed = Some(id);
                    break;
                }
            }
            if claimed.is_some() {
                break claimed;
            }
            // Other processes claimed all candidates. There are fewer now, so this loop ends.
        }
    };
}

/// In how many milliseconds after `$now` the next row of a table with `next_attempt_at` can be
/// claimed if its lease is not renewed; `None` when no attempt is scheduled.
macro_rules! next_due_in_ms {
    ($c:expr, $table:ident, $now:expr) => {{
        // A lease matters only once the next attempt is due.
        let scheduled: Option<i64> = $table::table
            .filter(is_free!($c, $table).or($table::next_attempt_at.gt($now.0)))
            .select(diesel::dsl::min($table::next_attempt_at))
            .first(&mut $c.0)?;
        let leased: Option<i64> = $table::table
            .filter($table::next_attempt_at.le($now.0))
            .filter($table::lease_until.gt($crate::dialect::now(&$c.0).nullable()))
            .select(diesel::dsl::min($table::lease_until))
            .first(&mut $c.0)?;
        $crate::lease::until_due($c, $now, scheduled, leased)
    }};
}

pub(crate) use {claim_first, held_for, is_free, is_held, next_due_in_ms, released};

/// How many claimable rows are read to find one that no other process claims meanwhile.
pub(crate) const CANDIDATES: i64 = 8;

/// In how many milliseconds work is due: at `scheduled` by the caller's clock, which reads `now`,
/// or when a lease ends at `leased` by the clock of the database.
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
