//! Limits how often a user may do something. The state is in the database, in one row for each user
//! and limit, so that a limit holds for all servers together and no user waits for another.
//! [`throttle`](crate::throttle) limits failed sign-ins.

use std::time::Duration;

use model::{Error, Timestamp, UserId};
use store::{Conn, rate_limits};

use crate::clock::millis;

/// A limit: so many uses at once, and one more after each interval.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// The key in the database.
    key: &'static str,
    /// What the user did too often, in a sentence.
    message: &'static str,
    burst: i32,
    interval: Duration,
}

/// Jobs that a member starts or retries, except deletions.
pub(crate) const JOBS: RateLimit = RateLimit {
    key: "jobs",
    message: "You have started too many jobs.",
    burst: 60,
    interval: Duration::from_secs(30),
};

/// Changes of the own password. Each costs two password hashes.
pub(crate) const PASSWORD_CHANGES: RateLimit = RateLimit {
    key: "password changes",
    message: "You have changed your password too often.",
    burst: 5,
    interval: Duration::from_secs(720),
};

/// The allowance of one use. It counts once it is [recorded](Allowance::record) in the transaction
/// in which it was obtained.
pub(crate) struct Allowance {
    user: UserId,
    key: &'static str,
    before: Option<Timestamp>,
    full_at: Timestamp,
}

impl RateLimit {
    /// Checks whether the user may do this once more.
    ///
    /// # Errors
    /// When the database is unavailable; the inner [`Error::TooManyRequests`] if the user must
    /// wait.
    pub(crate) fn check(
        &self,
        c: &mut Conn,
        user: UserId,
    ) -> Result<Result<Allowance, Error>, store::Error> {
        let before = rate_limits::get(c, user, self.key)?;
        Ok(match self.next(before, store::now(c)?) {
            Ok(full_at) => Ok(Allowance {
                user,
                key: self.key,
                before,
                full_at,
            }),
            Err(seconds) => Err(Error::TooManyRequests {
                message: self.message.to_owned(),
                seconds,
            }),
        })
    }

    /// When the budget is full again after one more use, or how many seconds to wait for it.
    fn next(&self, before: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, u64> {
        let interval = millis(self.interval);
        let full_at = before.map_or(now.0, |before| before.0.max(now.0)) + interval;
        let wait = full_at - now.0 - i64::from(self.burst) * interval;
        match u64::try_from(wait) {
            Ok(wait) if wait > 0 => Err(wait.div_ceil(1000)),
            _ => Ok(Timestamp(full_at)),
        }
    }
}

impl Allowance {
    /// Counts the use.
    ///
    /// # Errors
    /// [`store::Error::Unavailable`] if another request counted one meanwhile, so that the
    /// transaction is repeated.
    pub(crate) fn record(&self, c: &mut Conn) -> Result<(), store::Error> {
        rate_limits::replace(c, self.user, self.key, self.before, self.full_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: RateLimit = RateLimit {
        key: "test",
        message: "Too much.",
        burst: 3,
        interval: Duration::from_secs(10),
    };

    #[test]
    fn burst_is_allowed_and_then_one_use_per_interval() {
        let mut full_at = None;
        for _ in 0..3 {
            full_at = Some(LIMIT.next(full_at, Timestamp(1_000)).unwrap());
        }
        assert_eq!(LIMIT.next(full_at, Timestamp(1_000)), Err(10));
        assert_eq!(LIMIT.next(full_at, Timestamp(10_500)), Err(1));
        let next = LIMIT.next(full_at, Timestamp(11_000)).unwrap();
        assert_eq!(LIMIT.next(Some(next), Timestamp(11_000)), Err(10));
    }

    #[test]
    fn unused_time_does_not_increase_the_burst() {
        let full_at = LIMIT.next(Some(Timestamp(5)), Timestamp(1_000_000));
        assert_eq!(full_at, Ok(Timestamp(1_010_000)));
    }
}
