//! Slows down guessing: each account and each address has a few free tries, then every failure
//! doubles the wait. One throttle for every way to sign in.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Mutex,
    time::{Duration, Instant},
};

use model::names::Username;

/// Failures before the first wait, for an account and for an address.
const FREE_ACCOUNT: u32 = 5;
const FREE_ADDRESS: u32 = 20;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(900);
/// After so long without a failure all is forgotten.
const MEMORY: Duration = Duration::from_secs(3600);
/// Entries kept; the oldest go first, so that guessing under many names fills no memory.
const ENTRIES: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Account(Username),
    Address(IpAddr),
}

impl Key {
    /// Of IPv6 the first 64 bits count: the rest is for each host to choose (RFC 4291, 2.5.4).
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

/// Who failed how often.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Failures>>);

impl Throttle {
    /// How long to wait before another try; none when it may be made now. The try is counted as
    /// a failure at once, so that many at a time are worth no more than one after another;
    /// [`Throttle::forgive`] takes it back.
    /// Without an account only the address counts.
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
        if failures.len() >= ENTRIES {
            forget_oldest(&mut failures, now);
        }
        for (key, _) in keys {
            let entry = failures.entry(key).or_insert(Failures {
                count: 0,
                last: now,
            });
            if now.duration_since(entry.last) > MEMORY {
                entry.count = 0;
            }
            entry.count += 1;
            entry.last = now;
        }
        None
    }

    /// The try was right: the account's failures are forgotten, the address has one fewer.
    pub(crate) fn forgive(&self, account: &Username, address: IpAddr) {
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
        let past = self.count.checked_sub(free)?;
        let wait = Duration::from_secs(1 << past.min(10)).min(LONGEST);
        wait.checked_sub(now.duration_since(self.last))
            .filter(|left| !left.is_zero())
    }
}

fn forget_oldest(failures: &mut HashMap<Key, Failures>, now: Instant) {
    failures.retain(|_, f| now.duration_since(f.last) < MEMORY);
    if failures.len() >= ENTRIES {
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
    fn waits_double_after_the_free_tries_and_a_right_one_forgives() {
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
            "another account is free"
        );
        throttle.forgive(&name("ann"), HOME);
        assert_eq!(throttle.attempt(Some(&name("ann")), HOME, later), None);
    }

    #[test]
    fn an_address_is_slowed_whatever_the_account() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..FREE_ADDRESS {
            assert_eq!(
                throttle.attempt(Some(&name(&format!("user{n}"))), HOME, now),
                None
            );
        }
        assert!(
            throttle
                .attempt(Some(&name("somebody")), HOME, now)
                .is_some()
        );
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let host = |n: u32| format!("2001:db8::{n:x}:1").parse().unwrap();
        for n in 0..FREE_ADDRESS {
            assert_eq!(throttle.attempt(None, host(n), now), None);
        }
        assert!(throttle.attempt(None, host(FREE_ADDRESS), now).is_some());
        let elsewhere = "2001:db8:0:1::1".parse().unwrap();
        assert_eq!(throttle.attempt(None, elsewhere, now), None);
    }

    #[test]
    fn memory_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..u32::try_from(ENTRIES).unwrap() * 2 {
            throttle.attempt(
                Some(&name(&format!("user{n}"))),
                IpAddr::from(n.to_be_bytes()),
                now,
            );
        }
        assert!(throttle.lock().len() <= ENTRIES + 2);
    }
}
