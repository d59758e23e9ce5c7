//! Limits how often a user may do something. The state is in the database, in one row for each user
//! and limit, so that a limit holds for all servers together and no user waits for another.
//! [`throttle`](crate::throttle) limits failed sign-ins.

use std::time::Duration;

use model::{Error, Timestamp, UserId};
use store::{Conn, rate_limits};

use crate::clock::millis;

/// A limit of what users do themselves.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// The key in the database.
    key: &'static str,
    /// What the user did too often, in a sentence.
    message: &'static str,
    rate: Rate,
}

/// So many uses at once, and one more after each interval.
#[derive(Debug)]
pub(crate) struct Rate {
    pub(crate) burst: i32,
    pub(crate) interval: Duration,
}

/// Jobs that a member starts, retries or cancels, except deletions that run; edits, also those
/// without a job; and switching interface filters.
pub(crate) const JOBS: RateLimit = RateLimit {
    key: "jobs",
    message: "You have started too many jobs.",
    rate: Rate {
        burst: 60,
        interval: Duration::from_secs(30),
    },
};

/// Changes of the own password. Each costs two password hashes.
pub(crate) const PASSWORD_CHANGES: RateLimit = RateLimit {
    key: "password changes",
    message: "You have changed your password too often.",
    rate: Rate {
        burst: 5,
        interval: Duration::from_secs(720),
    },
};

/// Sign-ins with the correct password, each of which costs a password hash. Failures are limited by
/// [`throttle`](crate::throttle).
pub(crate) const SIGN_INS: RateLimit = RateLimit {
    key: "sign-ins",
    message: "You have signed in too often.",
    rate: Rate {
        burst: 200,
        interval: Duration::from_secs(5),
    },
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
        let now = store::now(c)?;
        let full_at = self.rate.full_at_after_use(before, now);
        Ok(match self.rate.wait_ms(full_at, now) {
            None => Ok(Allowance {
                user,
                key: self.key,
                before,
                full_at,
            }),
            Some(wait) => Err(Error::TooManyRequests {
                message: self.message.to_owned(),
                seconds: wait.div_ceil(1000),
            }),
        })
    }
}

impl Rate {
    /// When the budget is full again after one more use.
    pub(crate) fn full_at_after_use(&self, before: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let from = before.map_or(now.0, |before| before.0.max(now.0));
        Timestamp(from + millis(self.interval))
    }

    /// How many milliseconds to wait before a use that ends at `full_at` is allowed; `None` if it
    /// is allowed now.
    pub(crate) fn wait_ms(&self, full_at: Timestamp, now: Timestamp) -> Option<u64> {
        let wait = full_at.0 - now.0 - i64::from(self.burst) * millis(self.interval);
        u64::try_from(wait).ok().filter(|wait| *wait > 0)
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

    const RATE: Rate = Rate {
        burst: 3,
        interval: Duration::from_secs(10),
    };

    fn use_once(before: Option<Timestamp>, now: i64) -> Result<Timestamp, u64> {
        let full_at = RATE.full_at_after_use(before, Timestamp(now));
        RATE.wait_ms(full_at, Timestamp(now))
            .map_or(Ok(full_at), Err)
    }

    #[test]
    fn burst_is_allowed_and_then_one_use_per_interval() {
        let mut full_at = None;
        for _ in 0..3 {
            full_at = Some(use_once(full_at, 1_000).unwrap());
        }
        assert_eq!(use_once(full_at, 1_000), Err(10_000));
        assert_eq!(use_once(full_at, 10_500), Err(500));
        let next = use_once(full_at, 11_000).unwrap();
        assert_eq!(use_once(Some(next), 11_000), Err(10_000));
    }

    #[test]
    fn unused_time_does_not_increase_the_burst() {
        let full_at = use_once(Some(Timestamp(5)), 1_000_000);
        assert_eq!(full_at, Ok(Timestamp(1_010_000)));
    }
}
