//! When a certificate is renewed, and when issuance is retried after a failure. Pure functions of
//! the time and the jitter.

use model::Timestamp;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The waits after consecutive failures, in milliseconds. Let's Encrypt allows five failed
/// validations of a name per hour (<https://letsencrypt.org/docs/rate-limits/>); these waits cause
/// at most four.
const WAITS: [i64; 8] = [
    MINUTE,
    5 * MINUTE,
    20 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
];
/// The longest wait after a failure that did not involve the CA.
const MAX_LOCAL_WAIT: i64 = 10 * MINUTE;
/// The longest wait while the certificate being served is about to expire.
const MAX_LATE_WAIT: i64 = 3 * HOUR;
/// The longest interval between two checks of a certificate.
const MAX_CHECK_INTERVAL: i64 = DAY;
/// The shortest interval, whatever the CA asks for.
const MIN_CHECK_INTERVAL: i64 = 10 * MINUTE;

/// A random fraction from 0 to 1 that spreads work of many certificates over time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter(pub(super) f64);

impl Jitter {
    /// A random fraction.
    pub(super) fn new() -> Self {
        Self(rand::random())
    }

    /// That fraction of a duration in milliseconds.
    fn scale(self, ms: i64) -> i64 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a fraction of an i64 fits into an i64"
        )]
        let part = (self.0.clamp(0.0, 1.0) * ms as f64) as i64;
        part
    }
}

/// The renewal time without renewal information from the CA: at two thirds of the lifetime, minus
/// up to a twentieth of the lifetime.
pub(super) fn renew_at(from: Timestamp, until: Timestamp, jitter: Jitter) -> Timestamp {
    let life = until.0.saturating_sub(from.0).max(0);
    Timestamp(from.0 + life / 3 * 2 - jitter.scale(life / 20))
}

/// The renewal time with renewal information from the CA (RFC 9773, section 4.2): a random time in
/// the suggested window. A time in the past means immediately.
pub(super) fn renew_within(start: Timestamp, end: Timestamp, jitter: Jitter) -> Timestamp {
    Timestamp(start.0 + jitter.scale(end.0.saturating_sub(start.0).max(0)))
}

/// When a valid certificate is checked next. `retry_after_ms` is the CA's `Retry-After`.
pub(super) fn next_check(
    now: Timestamp,
    renew_at: Timestamp,
    retry_after_ms: Option<i64>,
) -> Timestamp {
    let interval = retry_after_ms.unwrap_or(MAX_CHECK_INTERVAL);
    let interval = interval.clamp(MIN_CHECK_INTERVAL, MAX_CHECK_INTERVAL);
    renew_at.min(Timestamp(now.0.saturating_add(interval)))
}

/// The class of a failed attempt, which determines the next one.
#[derive(Clone, Copy, Debug)]
pub(super) enum FailureClass {
    /// The CA refused the request or did not respond.
    Authority,
    /// The CA limits the rate of requests until the given time.
    RateLimited(Option<Timestamp>),
    /// The CA was not involved; something was missing locally.
    Local,
}

/// When issuance is retried. `failures` counts consecutive failures including this one.
pub(super) fn retry_at(
    now: Timestamp,
    failures: u32,
    class: FailureClass,
    valid_until: Option<Timestamp>,
    jitter: Jitter,
) -> Timestamp {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let wait = WAITS.get(index).copied().unwrap_or(DAY);
    let late = valid_until.is_some_and(|until| until.0.saturating_sub(now.0) < 3 * DAY);
    let wait = match class {
        FailureClass::Local => wait.min(MAX_LOCAL_WAIT),
        _ if late => wait.min(MAX_LATE_WAIT),
        _ => wait,
    };
    let at = Timestamp(now.0 + wait + jitter.scale(wait / 5));
    match class {
        FailureClass::RateLimited(Some(until)) => at.max(Timestamp(until.0 + jitter.scale(MINUTE))),
        FailureClass::RateLimited(None) => at.max(Timestamp(now.0 + HOUR)),
        FailureClass::Authority | FailureClass::Local => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Jitter = Jitter(0.0);
    const ALL: Jitter = Jitter(1.0);

    fn at(ms: i64) -> Timestamp {
        Timestamp(ms)
    }

    #[test]
    fn renewal_is_due_when_a_third_of_the_lifetime_is_left() {
        assert_eq!(renew_at(at(0), at(90 * DAY), NONE), at(60 * DAY));
        let earliest = renew_at(at(0), at(90 * DAY), ALL);
        assert_eq!(earliest, at(60 * DAY - 9 * DAY / 2));
        // Let's Encrypt issues certificates that are valid for six days.
        assert_eq!(renew_at(at(0), at(6 * DAY), NONE), at(4 * DAY));
        assert_eq!(renew_at(at(5), at(5), ALL), at(5));
        assert_eq!(renew_within(at(10), at(20), NONE), at(10));
        assert_eq!(renew_within(at(10), at(20), ALL), at(20));
        assert_eq!(renew_within(at(20), at(10), ALL), at(20));
    }

    #[test]
    fn valid_certificate_is_checked_daily_or_at_the_interval_of_the_ca() {
        assert_eq!(next_check(at(0), at(60 * DAY), None), at(DAY));
        assert_eq!(
            next_check(at(0), at(60 * DAY), Some(6 * HOUR)),
            at(6 * HOUR)
        );
        assert_eq!(
            next_check(at(0), at(60 * DAY), Some(1)),
            at(MIN_CHECK_INTERVAL)
        );
        assert_eq!(next_check(at(0), at(HOUR), Some(6 * HOUR)), at(HOUR));
        assert_eq!(next_check(at(0), at(60 * DAY), Some(i64::MAX)), at(DAY));
    }

    #[test]
    fn retries_stay_below_the_rate_limit_of_the_ca() {
        let mut now = at(0);
        let mut attempts = vec![now];
        for failures in 1..=20 {
            now = retry_at(now, failures, FailureClass::Authority, None, NONE);
            attempts.push(now);
        }
        for first in &attempts {
            let within = attempts
                .iter()
                .filter(|it| (first.0..first.0 + HOUR).contains(&it.0));
            assert!(within.count() <= 4);
        }
        let days = attempts.windows(2).last().map(|pair| pair[1].0 - pair[0].0);
        assert_eq!(days, Some(DAY));
    }

    #[test]
    fn local_failures_are_retried_soon_and_rate_limits_are_respected() {
        let next = |failures, failure, until| retry_at(at(0), failures, failure, until, NONE);
        assert_eq!(next(9, FailureClass::Local, None), at(MAX_LOCAL_WAIT));
        assert_eq!(
            next(1, FailureClass::RateLimited(Some(at(2 * DAY))), None),
            at(2 * DAY)
        );
        assert_eq!(next(1, FailureClass::RateLimited(None), None), at(HOUR));
        assert_eq!(
            next(9, FailureClass::Authority, Some(at(DAY))),
            at(MAX_LATE_WAIT)
        );
        assert_eq!(
            next(9, FailureClass::Authority, Some(at(30 * DAY))),
            at(DAY)
        );
        let late = retry_at(at(0), 1, FailureClass::Authority, None, ALL);
        assert_eq!(late, at(MINUTE + MINUTE / 5));
    }
}
