//! Probes what changed: requests each new page from this host's nginx, and resolves each new name
//! with its dnsmasq. The report that a configuration is live does not wait for the probes. Failures
//! are reported afterwards and probed again until they succeed. Only changed names are probed, and
//! at most a few of them.

mod prober;

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddrV4},
    sync::Arc,
    time::Duration,
};

use edge::{DnsHost, Layout, SiteConfig};
use model::{
    ServiceId,
    backoff::Backoff,
    hosts::{FailedProbe, Report},
};
use tokio::{sync::watch, task::JoinSet};

use prober::Prober;

use crate::core::manager_client::ManagerClient;

/// The maximum number of names of each kind that are probed after a change.
const MAX_TARGETS: usize = 8;
/// The first delay before failed probes are repeated.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// The maximum delay.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// A name to probe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A name within the site's network.
    Host {
        /// The fully qualified name.
        name: String,
        /// The expected address.
        address: Ipv4Addr,
    },
    /// A web page.
    Page {
        /// The fully qualified name.
        name: String,
        /// Its service.
        service: ServiceId,
        /// The address and port of its backend.
        behind: SocketAddrV4,
    },
}

/// A site configuration that has just gone live.
#[derive(Clone, Debug)]
pub struct AppliedSite {
    /// The new targets.
    targets: Vec<Target>,
    /// All targets, so that removed ones are no longer probed.
    all: BTreeSet<Target>,
    report_number: u64,
    report: Report,
    prober: Option<Prober>,
}

impl AppliedSite {
    /// Determines the new targets of a site. `report_number` is the number of its report.
    pub fn new(
        before: Option<&SiteConfig>,
        now: SiteConfig,
        report_number: u64,
        report: Report,
    ) -> Self {
        let quarantined = report.quarantined.iter();
        let served = now.without(&quarantined.map(|entry| entry.part.clone()).collect());
        let all: BTreeSet<Target> = hosts(&served).chain(pages(&served)).collect();
        let targets = changed(before, &served);
        Self {
            targets,
            all,
            report_number,
            report,
            prober: None,
        }
    }

    /// Sets the address of this host in the site's network and its layout.
    #[must_use]
    pub fn on(mut self, address: Ipv4Addr, layout: &Layout) -> Self {
        self.prober = Some(Prober::new(address, layout));
        self
    }
}

/// The targets that `before` does not have, the first few of each kind.
pub fn changed(before: Option<&SiteConfig>, now: &SiteConfig) -> Vec<Target> {
    let known: BTreeSet<Target> = before
        .into_iter()
        .flat_map(|site| hosts(site).chain(pages(site)))
        .collect();
    let new = |target: &Target| !known.contains(target);
    let hosts = hosts(now).filter(new).take(MAX_TARGETS);
    hosts
        .chain(pages(now).filter(new).take(MAX_TARGETS))
        .collect()
}

fn hosts(site: &SiteConfig) -> impl Iterator<Item = Target> {
    let domain = &site.network.domain;
    let target = move |host: &DnsHost| Target::Host {
        name: format!("{}.{domain}", host.name),
        address: host.address,
    };
    site.hosts.iter().map(target)
}

fn pages(site: &SiteConfig) -> impl Iterator<Item = Target> {
    let services = site.domains.iter().flat_map(|domain| {
        let services = domain.services.iter();
        services.map(move |service| (domain.hostname(service), service))
    });
    services.map(|(name, service)| Target::Page {
        name,
        service: service.id,
        behind: SocketAddrV4::new(service.address, service.port.get()),
    })
}

/// The probes in progress, and the last report.
struct PendingProbes {
    applied: AppliedSite,
    /// The targets that have not succeeded yet.
    open: Vec<Target>,
    reported: Vec<FailedProbe>,
    backoff: Backoff,
}

/// Probes after each change and reports failures, until the sender is dropped.
pub(crate) async fn follow(
    mut latest: watch::Receiver<Option<AppliedSite>>,
    manager: Arc<ManagerClient>,
) {
    let mut pending: Option<PendingProbes> = None;
    loop {
        // If no target is open, wait for the next change.
        let again = pending.as_ref().filter(|pending| !pending.open.is_empty());
        let wait = again.map(|pending| pending.backoff.wait());
        let is_new = tokio::select! {
            changed = latest.changed() => match changed {
                Ok(()) => true,
                Err(_) => return,
            },
            () = pause(wait) => false,
        };
        let next = match (is_new, pending.take()) {
            (true, before) => PendingProbes::begin(latest.borrow_and_update().clone(), before),
            (false, before) => before.map(PendingProbes::back_off),
        };
        let Some(mut next) = next else { continue };
        tokio::select! {
            () = next.probe(&manager) => {}
            // A new change takes precedence; open targets are probed together with it.
            changed = latest.changed() => match changed {
                Ok(()) => latest.mark_changed(),
                Err(_) => return,
            },
        }
        pending = Some(next);
    }
}

/// Waits for this time; forever without one.
async fn pause(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

impl PendingProbes {
    fn begin(applied: Option<AppliedSite>, before: Option<Self>) -> Option<Self> {
        let applied = applied?;
        let mut open = applied.targets.clone();
        // Targets that failed before are probed again if they still exist.
        let failed = before.into_iter().flat_map(|before| before.open);
        let failed: Vec<Target> = failed
            .filter(|target| applied.all.contains(target) && !open.contains(target))
            .collect();
        open.extend(failed);
        open.truncate(4 * MAX_TARGETS);
        Some(Self {
            applied,
            open,
            reported: Vec::new(),
            backoff: Backoff::new(FIRST_WAIT, MAX_WAIT),
        })
    }

    fn back_off(mut self) -> Self {
        self.backoff.advance();
        self
    }

    /// Probes all open targets concurrently, and reports the result if it changed.
    async fn probe(&mut self, manager: &ManagerClient) {
        let Some(prober) = &self.applied.prober else {
            return;
        };
        let mut all = JoinSet::new();
        for target in self.open.clone() {
            let prober = prober.clone();
            all.spawn(async move {
                let failure = prober.probe(&target).await?;
                Some((target, failure))
            });
        }
        let mut found: Vec<(Target, FailedProbe)> =
            all.join_all().await.into_iter().flatten().collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (open, failed): (Vec<Target>, Vec<FailedProbe>) = found.into_iter().unzip();
        self.open = open;
        if failed == self.reported {
            return;
        }
        for failure in &failed {
            tracing::warn!(name = failure.name, component = ?failure.component, error = failure.message, "probe failed");
        }
        let report = Report {
            failed_probes: failed.clone(),
            ..self.applied.report.clone()
        };
        match manager
            .amend_report(self.applied.report_number, &report)
            .await
        {
            Ok(()) => self.reported = failed,
            Err(error) => tracing::warn!(%error, "probe report failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(hosts: &[(&str, &str)]) -> SiteConfig {
        let hosts: Vec<DnsHost> = hosts
            .iter()
            .map(|(name, address)| DnsHost {
                name: name.parse().unwrap(),
                address: address.parse().unwrap(),
                mac: None,
            })
            .collect();
        SiteConfig {
            network: edge::Network {
                domain: "lab.internal".parse().unwrap(),
                cidr: "10.20.0.0/16".parse().unwrap(),
                gateway: "10.20.0.1".parse().unwrap(),
                name_servers: Vec::new(),
                forwarders: Vec::new(),
                dhcp: None,
            },
            hosts,
            records: Vec::new(),
            domains: Vec::new(),
            streams: Vec::new(),
            challenge_responses: Vec::new(),
        }
    }

    #[test]
    fn only_changed_names_are_probed_up_to_limit() {
        let before = site(&[("a", "10.20.0.5"), ("b", "10.20.0.6")]);
        let after = site(&[("a", "10.20.0.5"), ("b", "10.20.0.7"), ("c", "10.20.0.8")]);
        let host = |name: &str, address: &str| Target::Host {
            name: name.to_owned(),
            address: address.parse().unwrap(),
        };
        let expected = [
            host("b.lab.internal", "10.20.0.7"),
            host("c.lab.internal", "10.20.0.8"),
        ];
        assert_eq!(changed(Some(&before), &after), expected);
        assert_eq!(changed(Some(&after), &after), []);
        let names: Vec<String> = (0..100).map(|n| format!("h{n}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "10.20.0.9")).collect();
        assert_eq!(changed(None, &site(&many)).len(), MAX_TARGETS);
    }
}
