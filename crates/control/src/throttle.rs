//! Limits password guessing by waits after failed sign-ins. Failures are counted in the database,
//! so that they hold for all servers. [`rate_limit`](crate::rate_limit) limits what signed-in users
//! do.
//!
//! A client that guesses the password of an account from one network locks out neither the
//! account's browsers nor other networks: failures count by account and network, and a browser that
//! has signed in before has a counter of its own. Guesses from many networks are limited by a rate
//! for all unknown browsers together, which known browsers are not subject to.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use model::{Timestamp, names::Username};
use store::{
    Conn,
    sign_ins::{self, Failures},
};

/// Failures before the first wait: by account and network, by known browser, by address, and by
/// network.
const FREE_ACCOUNT: u32 = 5;
const FREE_BROWSER: u32 = 10;
const FREE_ADDRESS: u32 = 30;
const FREE_NETWORK: u32 = 300;
/// The longest wait.
const MAX_WAIT: Duration = Duration::from_secs(900);
/// Failures are forgotten after this long without another one, in milliseconds.
pub(crate) const RESET_AFTER_MS: i64 = 3_600_000;
/// How many attempts unknown browsers may make in all per [`RATE_MS`], a minute.
const RATE: u32 = 300;
const RATE_MS: i64 = 60_000;

/// An attempt to sign in.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The name of the account; none if the input is not a valid name.
    pub account: Option<Username>,
    /// The client's address.
    pub address: IpAddr,
    /// The hash of the token of a browser that has signed in to the account before.
    pub known_browser: Option<String>,
}

/// A counter of failures.
struct Bucket {
    key: String,
    account: Option<Username>,
    limit: Limit,
}

#[derive(Clone, Copy)]
enum Limit {
    /// After some free failures, each failure doubles the wait.
    Backoff { free: u32 },
    /// A number of attempts in the current minute.
    Rate,
}

impl Attempt {
    /// The buckets that the attempt counts in.
    fn buckets(&self, now: Timestamp) -> Vec<Bucket> {
        if let (Some(token_hash), Some(account)) = (&self.known_browser, &self.account) {
            return vec![Bucket {
                key: format!("browser {token_hash}"),
                account: Some(account.clone()),
                limit: Limit::Backoff { free: FREE_BROWSER },
            }];
        }
        let [address, network] = networks(self.address);
        let shared = |key: String, limit| Bucket {
            key,
            account: None,
            limit,
        };
        let mut buckets = vec![
            shared(format!("all {}", now.0 / RATE_MS), Limit::Rate),
            shared(
                format!("address {address}"),
                Limit::Backoff { free: FREE_ADDRESS },
            ),
            shared(
                format!("network {network}"),
                Limit::Backoff { free: FREE_NETWORK },
            ),
        ];
        if let Some(account) = &self.account {
            buckets.push(Bucket {
                key: format!("account {account} {network}"),
                account: Some(account.clone()),
                limit: Limit::Backoff { free: FREE_ACCOUNT },
            });
        }
        buckets
    }
}

/// What distinguishes a client from others, and the network that it is in: an address and its /24,
/// or the /64 and /48 of IPv6, where a host chooses the last 64 bits (RFC 4291, section 2.5.4) and
/// a customer often has a /48 (RFC 6177).
fn networks(address: IpAddr) -> [IpAddr; 2] {
    match address.to_canonical() {
        IpAddr::V4(v4) => [
            v4.into(),
            Ipv4Addr::from_bits(v4.to_bits() & 0xffff_ff00).into(),
        ],
        IpAddr::V6(v6) => [64, 80]
            .map(|host_bits| Ipv6Addr::from_bits(v6.to_bits() >> host_bits << host_bits).into()),
    }
}

/// Returns how long to wait before another attempt, or `None` if it may be made now.
///
/// # Errors
/// When the database is unavailable.
pub(crate) fn remaining_wait(
    c: &mut Conn,
    attempt: &Attempt,
) -> Result<Option<Duration>, store::Error> {
    Ok(Counters::load(c, attempt)?.remaining_wait())
}

/// The counters of an attempt at one time.
struct Counters {
    buckets: Vec<Bucket>,
    failures: Vec<Failures>,
    now: Timestamp,
}

impl Counters {
    fn load(c: &mut Conn, attempt: &Attempt) -> Result<Self, store::Error> {
        let now = store::now(c)?;
        let buckets = attempt.buckets(now);
        let keys: Vec<String> = buckets.iter().map(|bucket| bucket.key.clone()).collect();
        let failures = sign_ins::list(c, &keys)?;
        Ok(Self {
            buckets,
            failures,
            now,
        })
    }

    fn of(&self, bucket: &Bucket) -> Option<&Failures> {
        let mut failures = self.failures.iter();
        failures.find(|failures| failures.bucket == bucket.key)
    }

    fn remaining_wait(&self) -> Option<Duration> {
        let wait = |bucket: &Bucket| bucket.limit.remaining_wait(self.of(bucket)?, self.now);
        self.buckets.iter().filter_map(wait).max()
    }
}

/// The result of [`record_attempt`].
pub(crate) enum AttemptDecision {
    /// The attempt may be made. It has been recorded as these failures.
    Allowed(Vec<BucketFailure>),
    /// The client must wait.
    Wait(Duration),
}

/// A failure that was recorded in a bucket.
pub(crate) struct BucketFailure {
    is_account: bool,
    failure: sign_ins::RecordedFailure,
}

/// Decides whether an attempt may be made. If so, records it as a failure in each of its buckets
/// before it is made, so that concurrent attempts have no advantage. [`record_success`] removes the
/// failures again.
///
/// # Errors
/// When the database is unavailable.
pub(crate) fn record_attempt(
    c: &mut Conn,
    attempt: &Attempt,
) -> Result<AttemptDecision, store::Error> {
    let counters = Counters::load(c, attempt)?;
    if let Some(wait) = counters.remaining_wait() {
        return Ok(AttemptDecision::Wait(wait));
    }
    let mut recorded_failures = Vec::new();
    for bucket in &counters.buckets {
        let before = counters.of(bucket);
        let count = match before {
            Some(before) if before.last.age_ms(counters.now) <= RESET_AFTER_MS => before.count + 1,
            _ => 1,
        };
        let failure = sign_ins::count(c, &bucket.key, bucket.account.as_ref(), before, count)?;
        recorded_failures.push(BucketFailure {
            is_account: bucket.account.is_some(),
            failure,
        });
    }
    Ok(AttemptDecision::Allowed(recorded_failures))
}

/// Removes the failures that [`record_attempt`] recorded for an attempt that succeeded. In the
/// buckets of the account, earlier failures are forgotten too; in the others they still count.
///
/// # Errors
/// When the database is unavailable.
pub(crate) fn record_success(
    c: &mut Conn,
    recorded_failures: &[BucketFailure],
) -> Result<(), store::Error> {
    for BucketFailure {
        is_account,
        failure,
    } in recorded_failures
    {
        match is_account {
            true => sign_ins::forget(c, &failure.bucket)?,
            false => sign_ins::revert(c, failure)?,
        }
    }
    Ok(())
}

impl Limit {
    /// The remaining wait.
    fn remaining_wait(self, failures: &Failures, now: Timestamp) -> Option<Duration> {
        let millis = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or_default());
        match self {
            Self::Backoff { free } => {
                let excess = failures.count.checked_sub(free)?;
                let wait = Duration::from_secs(1 << excess.min(10)).min(MAX_WAIT);
                wait.checked_sub(millis(failures.last.age_ms(now)))
                    .filter(|left| !left.is_zero())
            }
            Self::Rate if failures.count < RATE => None,
            Self::Rate => Some(millis(RATE_MS - now.0 % RATE_MS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(count: u32, last: i64) -> Failures {
        Failures {
            bucket: String::new(),
            count,
            last: Timestamp(last),
        }
    }

    fn keys(address: &str, known_browser: Option<&str>) -> Vec<String> {
        let attempt = Attempt {
            account: Some("ann".parse().unwrap()),
            address: address.parse().unwrap(),
            known_browser: known_browser.map(str::to_owned),
        };
        let buckets = attempt.buckets(Timestamp(120_001));
        buckets.into_iter().map(|bucket| bucket.key).collect()
    }

    #[test]
    fn wait_doubles_after_free_failures() {
        let limit = Limit::Backoff { free: 5 };
        let seconds = |count, now| {
            let wait = limit.remaining_wait(&failures(count, 0), Timestamp(now));
            wait.map(|wait| wait.as_secs())
        };
        assert_eq!(seconds(4, 0), None);
        assert_eq!(seconds(5, 0), Some(1));
        assert_eq!(seconds(8, 0), Some(8));
        assert_eq!(seconds(8, 7_000), Some(1));
        assert_eq!(seconds(8, 8_000), None);
        assert_eq!(seconds(100, 0), Some(900));
    }

    #[test]
    fn rate_is_limited_until_the_next_minute() {
        let wait = |count| Limit::Rate.remaining_wait(&failures(count, 0), Timestamp(61_000));
        assert_eq!(wait(RATE - 1), None);
        assert_eq!(wait(RATE), Some(Duration::from_secs(59)));
    }

    #[test]
    fn addresses_of_one_network_share_buckets() {
        assert_eq!(
            keys("203.0.113.7", None),
            [
                "all 2",
                "address 203.0.113.7",
                "network 203.0.113.0",
                "account ann 203.0.113.0"
            ]
        );
        let shared = |a: &str, b: &str| {
            let (a, b) = (keys(a, None), keys(b, None));
            a.iter().filter(|key| b.contains(key)).count()
        };
        assert_eq!(shared("203.0.113.7", "::ffff:203.0.113.7"), 4);
        assert_eq!(shared("203.0.113.7", "203.0.113.200"), 3);
        assert_eq!(shared("203.0.113.7", "203.0.114.7"), 1);
        assert_eq!(shared("2001:db8::1", "2001:db8::ffff:1"), 4);
        assert_eq!(shared("2001:db8::1", "2001:db8:0:1::1"), 3);
        assert_eq!(shared("2001:db8::1", "2001:db8:1::1"), 1);
    }

    #[test]
    fn known_browser_counts_apart_from_its_network() {
        assert_eq!(keys("203.0.113.7", Some("hash")), ["browser hash"]);
    }
}
