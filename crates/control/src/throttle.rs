//! Limits password guessing: each account and each address has some free attempts, then every
//! failure doubles the wait. Shared by all ways to sign in.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Mutex,
    time::{Duration, Instant},
};

use model::names::Username;

/// Failures before the first wait, per account and per address.
const FREE_ACCOUNT: u32 = 5;
const FREE_ADDRESS: u32 = 20;
/// The longest wait.
const MAX_WAIT: Duration = Duration::from_secs(900);
/// Failures are forgotten after this long without another one.
const RESET_AFTER: Duration = Duration::from_secs(3600);
/// The maximum number of entries. The oldest are dropped first, so that guessing with many names
/// cannot exhaust memory.
const MAX_ENTRIES: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Account(Username),
    Address(IpAddr),
}

impl Key {
    /// IPv6 addresses count by their /64 prefix, because a host chooses the remaining bits (RFC
    /// 4291, section 2.5.4).
    fn of(address: IpAddr) -> Self {
        Self::Address(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        })
    }
}

struct Failures {
    count: u32,
    last: Instant,
}

/// The failed attempts by account and address.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Failures>>);

impl Throttle {
    /// Returns how long to wait before another attempt, or `None` if it may be made now. Counts the
    /// attempt as a failure immediately, so that concurrent attempts have no advantage;
    /// [`Throttle::record_success`] reverts that. Without an account only the address counts.
    pub(crate) fn attempt(
        &self,
        account: Option<&Username>,
        address: IpAddr,
        now: Instant,
    ) -> Option<Duration> {
        let mut failures = self.lock();
        let account = account.map(|name| (Key::Account(name.clone()), FREE_ACCOUNT));
        let keys = std::iter::once((Key::of(address), FREE_ADDRESS)).chain(account);
        let wait = keys
            .clone()
            .filter_map(|(key, free)| failures.get(&key)?.wait(free, now))
            .max();
        if wait.is_some() {
            return wait;
        }
        if failures.len() >= MAX_ENTRIES {
            forget_oldest(&mut failures, now);
        }
        for (key, _) in keys {
            let entry = failures.entry(key).or_insert(Failures {
                count: 0,
                last: now,
            });
            if now.duration_since(entry.last) > RESET_AFTER {
                entry.count = 0;
            }
            entry.count += 1;
            entry.last = now;
        }
        None
    }

    /// Reverts a successful attempt: forgets the account's failures and one of the address.
    pub(crate) fn record_success(&self, account: &Username, address: IpAddr) {
        let mut failures = self.lock();
        failures.remove(&Key::Account(account.clone()));
        if let Some(entry) = failures.get_mut(&Key::of(address)) {
            entry.count = entry.count.saturating_sub(1);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Failures>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Failures {
    fn wait(&self, free: u32, now: Instant) -> Option<Duration> {
        let excess = self.count.checked_sub(free)?;
        let wait = Duration::from_secs(1 << excess.min(10)).min(MAX_WAIT);
        wait.checked_sub(now.duration_since(self.last))
            .filter(|left| !left.is_zero())
    }
}

fn forget_oldest(failures: &mut HashMap<Key, Failures>, now: Instant) {
    failures.retain(|_, f| now.duration_since(f.last) < RESET_AFTER);
    if failures.len() >= MAX_ENTRIES {
        let mut ages: Vec<Instant> = failures.values().map(|f| f.last).collect();
        ages.sort_unstable();
        if let Some(middle) = ages.get(ages.len() / 2).copied() {
            failures.retain(|_, f| f.last > middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn name(text: &str) -> Username {
        text.parse().unwrap()
    }

    #[test]
    fn wait_doubles_after_free_attempts_and_success_resets_it() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..FREE_ACCOUNT {
            assert_eq!(throttle.attempt(Some(&name("ann")), HOME, start), None);
        }
        assert_eq!(
            throttle.attempt(Some(&name("ann")), HOME, start),
            Some(Duration::from_secs(1))
        );
        let later = start + Duration::from_secs(1);
        assert_eq!(throttle.attempt(Some(&name("ann")), HOME, later), None);
        assert_eq!(
            throttle.attempt(Some(&name("ann")), HOME, later),
            Some(Duration::from_secs(2))
        );
        assert_eq!(
            throttle.attempt(Some(&name("bob")), HOME, later),
            None,
            "another account has its own counter"
        );
        throttle.record_success(&name("ann"), HOME);
        assert_eq!(throttle.attempt(Some(&name("ann")), HOME, later), None);
    }

    #[test]
    fn address_is_throttled_across_accounts() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..FREE_ADDRESS {
            assert_eq!(
                throttle.attempt(Some(&name(&format!("user{n}"))), HOME, now),
                None
            );
        }
        assert!(
            throttle
                .attempt(Some(&name("another")), HOME, now)
                .is_some()
        );
    }

    #[test]
    fn ipv6_addresses_of_one_prefix_share_a_counter() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let host = |n: u32| format!("2001:db8::{n:x}:1").parse().unwrap();
        for n in 0..FREE_ADDRESS {
            assert_eq!(throttle.attempt(None, host(n), now), None);
        }
        assert!(throttle.attempt(None, host(FREE_ADDRESS), now).is_some());
        let other_prefix = "2001:db8:0:1::1".parse().unwrap();
        assert_eq!(throttle.attempt(None, other_prefix, now), None);
    }

    #[test]
    fn throttle_entries_are_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..u32::try_from(MAX_ENTRIES).unwrap() * 2 {
            throttle.attempt(
                Some(&name(&format!("user{n}"))),
                IpAddr::from(n.to_be_bytes()),
                now,
            );
        }
        assert!(throttle.lock().len() <= MAX_ENTRIES + 2);
    }
}
