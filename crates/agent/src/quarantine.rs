//! Sets bad services quarantined, so that one of them never blocks the others.
//!
//! If the checker's message names a service's file, that service is quarantined. Otherwise a binary
//! search over groups of services finds the cause. If the search runs out of checks, nothing is
//! quarantined and the live configuration stays.

use std::{collections::BTreeSet, future::Future};

use edge::SiteConfig;
use model::ServiceId;

use crate::check::{CheckError, Refusal};

/// The maximum number of checks of one search. Among `n` services, `b` bad ones are found with at
/// most `2 + 2 b (1 + log2 n)` checks if the messages name no file, and with `1 + b` if each names
/// one: 6 among 1,000 are always found.
pub const CHECKS: usize = 160;

/// A quarantined service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedService {
    /// The service.
    pub service: ServiceId,
    /// The checker's message.
    pub message: String,
}

/// Returns the site configuration without the services for which `check` refuses it, and these
/// services.
///
/// # Errors
/// The refusal if no service causes it or [`CHECKS`] is exceeded; the error of `check` if it could not
/// be run.
pub async fn quarantine_refused<C, F>(
    config: &SiteConfig,
    check: C,
) -> Result<(SiteConfig, Vec<QuarantinedService>), CheckError>
where
    C: FnMut(SiteConfig) -> F,
    F: Future<Output = Result<(), CheckError>>,
{
    let mut search = Search {
        config,
        check,
        out: BTreeSet::new(),
        quarantined: Vec::new(),
        left: CHECKS,
        last: None,
    };
    let all: Vec<ServiceId> = config.services().collect();
    search.out.extend(&all);
    if let Some(refusal) = search.admit(&all).await? {
        let left = search.undecided(&all);
        // Check without any service, to know whether a service is the cause at all.
        if let Some(other) = search.refusal().await? {
            return Err(CheckError::Refused(other));
        }
        search.divide(left, refusal).await?;
    }
    Ok((config.without(&search.out), search.quarantined))
}

/// A search. Services are in `out` until a check passed with them.
struct Search<'a, C> {
    config: &'a SiteConfig,
    check: C,
    out: BTreeSet<ServiceId>,
    quarantined: Vec<QuarantinedService>,
    /// The number of checks left, and the last refusal.
    left: usize,
    last: Option<Refusal>,
}

impl<C, F> Search<'_, C>
where
    C: FnMut(SiteConfig) -> F,
    F: Future<Output = Result<(), CheckError>>,
{
    /// Checks the services that are not in `out`.
    async fn refusal(&mut self) -> Result<Option<Refusal>, CheckError> {
        if let (0, Some(last)) = (self.left, self.last.take()) {
            return Err(CheckError::Refused(last));
        }
        self.left = self.left.saturating_sub(1);
        match (self.check)(self.config.without(&self.out)).await {
            Ok(()) => Ok(None),
            Err(CheckError::Refused(refusal)) => {
                self.last = Some(refusal.clone());
                Ok(Some(refusal))
            }
            Err(error) => Err(error),
        }
    }

    /// Removes a group from `out`, except the services that a refusal names; those are quarantined.
    /// If the group is refused and no service is named, the group stays out and the refusal is
    /// returned.
    async fn admit(&mut self, group: &[ServiceId]) -> Result<Option<Refusal>, CheckError> {
        loop {
            let tried = self.undecided(group);
            self.out.retain(|service| !tried.contains(service));
            let Some(refusal) = self.refusal().await? else {
                return Ok(None);
            };
            self.out.extend(&tried);
            let named = self.named(&refusal, &tried);
            if named.is_empty() {
                return Ok(Some(refusal));
            }
            self.add(&named, &refusal);
        }
    }

    /// Finds the services that cause a refusal by halving the group.
    async fn divide(&mut self, group: Vec<ServiceId>, refusal: Refusal) -> Result<(), CheckError> {
        let mut refused = vec![(group, refusal)];
        while let Some((group, refusal)) = refused.pop() {
            if group.len() < 2 {
                self.add(&group, &refusal);
                continue;
            }
            let (first, second) = group.split_at(group.len() / 2);
            for half in [first, second] {
                if let Some(refusal) = self.admit(half).await? {
                    refused.push((self.undecided(half), refusal));
                }
            }
        }
        Ok(())
    }

    fn undecided(&self, group: &[ServiceId]) -> Vec<ServiceId> {
        let decided = |id: &ServiceId| {
            self.quarantined
                .iter()
                .any(|quarantined| quarantined.service == *id)
        };
        group.iter().copied().filter(|id| !decided(id)).collect()
    }

    fn named(&self, refusal: &Refusal, tried: &[ServiceId]) -> Vec<ServiceId> {
        let files = refusal.files.iter();
        let named = files.filter_map(|file| self.config.service_of(file));
        named.filter(|service| tried.contains(service)).collect()
    }

    fn add(&mut self, services: &[ServiceId], refusal: &Refusal) {
        self.quarantined
            .extend(services.iter().map(|service| QuarantinedService {
                service: *service,
                message: refusal.message.clone(),
            }));
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet, future::ready};

    use edge::{Network, SiteConfig, StreamService, Transport};
    use model::ServiceId;

    use super::{CHECKS, quarantine_refused};
    use crate::{
        check::{CheckError, Refusal},
        programs::Name,
    };

    fn of<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
        text.parse().unwrap()
    }

    /// A site with this many stream services.
    fn site(count: u16) -> SiteConfig {
        let stream = |number: u16| StreamService {
            id: ServiceId(number.into()),
            external: (2000 + number).try_into().unwrap(),
            address: of("10.20.0.100"),
            port: 80.try_into().unwrap(),
            quiet: of("60"),
            transport: Transport::Tcp,
            tls: None,
        };
        SiteConfig {
            network: Network {
                domain: of("lab.internal"),
                cidr: of("10.20.0.0/16"),
                gateway: of("10.20.0.1"),
                name_servers: Vec::new(),
                forwarders: Vec::new(),
                dhcp: None,
            },
            hosts: Vec::new(),
            records: Vec::new(),
            domains: Vec::new(),
            streams: (1..=count).map(stream).collect(),
            answers: Vec::new(),
        }
    }

    struct SearchResult {
        /// What was set quarantined; none when the refusal came back.
        quarantined: Option<Vec<i64>>,
        checks: usize,
    }

    /// Runs a search among `count` services of which `bad` are refused. A refusal names the file of
    /// the first bad service if `is_named`.
    fn search(count: u16, bad: &[i64], is_named: bool, is_always: bool) -> SearchResult {
        let checks = RefCell::new(0);
        let check = |site: SiteConfig| {
            *checks.borrow_mut() += 1;
            let found = site.services().find(|service| bad.contains(&service.0));
            let file = found.map(|service| format!("nginx/streams/tcp-{}.conf", 2000 + service.0));
            let refusal = Refusal {
                program: Name::Nginx,
                message: format!("no: {file:?}"),
                files: file.filter(|_| is_named).into_iter().collect(),
            };
            ready(match found.is_some() || is_always {
                true => Err(CheckError::Refused(refusal)),
                false => Ok(()),
            })
        };
        let site = site(count);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let done = runtime.block_on(quarantine_refused(&site, check));
        let quarantined = done.ok().map(|(rest, quarantined)| {
            let mut ids: Vec<i64> = quarantined
                .iter()
                .map(|quarantined| quarantined.service.0)
                .collect();
            ids.sort_unstable();
            let out: BTreeSet<ServiceId> = ids.iter().map(|id| ServiceId(*id)).collect();
            assert_eq!(rest, site.without(&out), "all others are published");
            ids
        });
        let checks = checks.into_inner();
        assert!(checks <= CHECKS, "{checks}");
        SearchResult {
            quarantined,
            checks,
        }
    }

    #[test]
    fn named_service_is_quarantined() {
        let found = search(1000, &[3, 500, 999], true, false);
        assert_eq!(found.quarantined, Some(vec![3, 500, 999]));
        assert_eq!(found.checks, 4);
    }

    #[test]
    fn unnamed_services_are_found_by_bisection() {
        for bad in [
            vec![1],
            vec![1000],
            vec![1, 2, 3],
            vec![1, 200, 400, 600, 800, 1000],
        ] {
            let found = search(1000, &bad, false, false);
            let most = 2 + 2 * bad.len() * 11;
            assert!(found.checks <= most, "{} for {bad:?}", found.checks);
            assert_eq!(found.quarantined, Some(bad));
        }
        assert_eq!(
            search(2, &[1, 2], false, false).quarantined,
            Some(vec![1, 2])
        );
        assert_eq!(search(1, &[1], false, false).quarantined, Some(vec![1]));
    }

    #[test]
    fn refusal_without_guilty_service_is_returned() {
        for is_named in [true, false] {
            let found = search(10, &[], is_named, true);
            assert_eq!((found.quarantined, found.checks), (None, 2));
        }
        assert_eq!(search(0, &[], false, true).quarantined, None);
        assert_eq!(search(5, &[], false, false).checks, 1, "nothing is refused");
    }

    #[test]
    fn search_stops_at_check_limit() {
        let all: Vec<i64> = (1..=1000).collect();
        for is_named in [true, false] {
            let found = search(1000, &all, is_named, false);
            assert_eq!((found.quarantined, found.checks), (None, CHECKS));
        }
    }
}
