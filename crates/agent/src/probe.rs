//! Asks whether what was changed answers: this host's nginx for a web page, its dnsmasq for a name.
//! The report that something is live waits for none of it; what does not answer is told afterwards,
//! and asked for again until it does. Never more than a few names: only what changed, and the first
//! of that.

mod ask;

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddrV4},
    sync::Arc,
    time::Duration,
};

use edge::{Host, Layout, Snapshot};
use model::{
    ServiceId,
    agents::{Report, Silent},
};
use tokio::{sync::watch, task::JoinSet};

use crate::teller::Teller;
use ask::Asker;

/// The most names of each kind that are asked for after a change.
const MOST: usize = 8;
/// The first wait before what did not answer is asked for again; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A name that should answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A name within the site's network.
    Host {
        /// The whole name.
        name: String,
        /// What it stands for.
        address: Ipv4Addr,
    },
    /// A web page.
    Page {
        /// The whole name.
        name: String,
        /// Its service.
        service: ServiceId,
        /// Where its container should listen.
        behind: SocketAddrV4,
    },
}

/// What has just gone live.
#[derive(Clone, Debug)]
pub struct News {
    /// What of it is new.
    targets: Vec<Target>,
    /// All that there is, so that what is gone is asked for no more.
    all: BTreeSet<Target>,
    turn: u64,
    report: Report,
    asker: Option<Asker>,
}

impl News {
    /// What is new in a site, as it was reported in its turn.
    pub fn new(before: Option<&Snapshot>, now: Snapshot, turn: u64, report: Report) -> Self {
        let aside: BTreeSet<ServiceId> = report.aside.iter().map(|aside| aside.service).collect();
        let all: BTreeSet<Target> = hosts(&now).chain(pages(&now, &aside)).collect();
        let targets = changed(before, &now, &aside);
        Self {
            targets,
            all,
            turn,
            report,
            asker: None,
        }
    }

    /// On this host: its address in the site's network, and where its files are.
    #[must_use]
    pub fn on(mut self, address: Ipv4Addr, layout: &Layout) -> Self {
        self.asker = Some(Asker::new(address, layout));
        self
    }
}

/// What of a site was not so before, the first few of each kind.
pub fn changed(
    before: Option<&Snapshot>,
    now: &Snapshot,
    aside: &BTreeSet<ServiceId>,
) -> Vec<Target> {
    let none = BTreeSet::new();
    let known: BTreeSet<Target> = before
        .into_iter()
        .flat_map(|site| hosts(site).chain(pages(site, &none)))
        .collect();
    let new = |target: &Target| !known.contains(target);
    let hosts = hosts(now).filter(new).take(MOST);
    hosts
        .chain(pages(now, aside).filter(new).take(MOST))
        .collect()
}

fn hosts(site: &Snapshot) -> impl Iterator<Item = Target> {
    let domain = &site.network.domain;
    let target = move |host: &Host| Target::Host {
        name: format!("{}.{domain}", host.name),
        address: host.address,
    };
    site.hosts.iter().map(target)
}

fn pages(site: &Snapshot, aside: &BTreeSet<ServiceId>) -> impl Iterator<Item = Target> {
    let services = site.domains.iter().flat_map(|domain| {
        let services = domain.services.iter();
        services.map(move |service| (domain.host(service), service))
    });
    services.filter_map(|(name, service)| {
        (!aside.contains(&service.id)).then_some(Target::Page {
            name,
            service: service.id,
            behind: SocketAddrV4::new(service.address, service.port.get()),
        })
    })
}

/// What is asked for now, and what was told of it.
struct Asked {
    news: News,
    /// What has not answered yet.
    open: Vec<Target>,
    told: Vec<Silent>,
    wait: Duration,
}

/// Asks after each change, and tells what does not answer, for as long as there can be changes.
pub(crate) async fn follow(mut latest: watch::Receiver<Option<News>>, manager: Arc<Teller>) {
    let mut asked: Option<Asked> = None;
    loop {
        // When all have answered there is nothing to do until the next change.
        let again = asked.as_ref().filter(|asked| !asked.open.is_empty());
        let wait = again.map(|asked| asked.wait);
        let is_new = tokio::select! {
            changed = latest.changed() => match changed {
                Ok(()) => true,
                Err(_) => return,
            },
            () = pause(wait) => false,
        };
        let next = match (is_new, asked.take()) {
            (true, before) => Asked::begin(latest.borrow_and_update().clone(), before),
            (false, before) => before.map(Asked::later),
        };
        let Some(mut next) = next else { continue };
        tokio::select! {
            () = next.ask(&manager) => {}
            // What is new comes first; what was not answered yet is asked for with that.
            changed = latest.changed() => match changed {
                Ok(()) => latest.mark_changed(),
                Err(_) => return,
            },
        }
        asked = Some(next);
    }
}

/// Waits so long; for ever without a time.
async fn pause(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

impl Asked {
    fn begin(news: Option<News>, before: Option<Self>) -> Option<Self> {
        let news = news?;
        let mut open = news.targets.clone();
        // What has not answered before is still to be found, where it still is something.
        let left = before.into_iter().flat_map(|before| before.open);
        let left: Vec<Target> = left
            .filter(|target| news.all.contains(target) && !open.contains(target))
            .collect();
        open.extend(left);
        open.truncate(4 * MOST);
        Some(Self {
            news,
            open,
            told: Vec::new(),
            wait: FIRST_WAIT,
        })
    }

    fn later(mut self) -> Self {
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        self
    }

    /// Asks for all at once, and tells what was found when it is news.
    async fn ask(&mut self, manager: &Teller) {
        let Some(asker) = &self.news.asker else {
            return;
        };
        let mut all = JoinSet::new();
        for target in self.open.clone() {
            let asker = asker.clone();
            all.spawn(async move {
                let silent = asker.ask(&target).await?;
                Some((target, silent))
            });
        }
        let mut found: Vec<(Target, Silent)> = all.join_all().await.into_iter().flatten().collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (open, silent): (Vec<Target>, Vec<Silent>) = found.into_iter().unzip();
        self.open = open;
        if silent == self.told {
            return;
        }
        for silent in &silent {
            tracing::warn!(name = silent.name, who = ?silent.who, "{}", silent.words);
        }
        let report = Report {
            silent: silent.clone(),
            ..self.news.report.clone()
        };
        match manager.add(self.news.turn, &report).await {
            Ok(()) => self.told = silent,
            Err(error) => tracing::warn!(%error, "what does not answer could not be told"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(hosts: &[(&str, &str)]) -> Snapshot {
        let hosts: Vec<Host> = hosts
            .iter()
            .map(|(name, address)| Host {
                name: name.parse().unwrap(),
                address: address.parse().unwrap(),
                mac: None,
            })
            .collect();
        Snapshot {
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
            answers: Vec::new(),
        }
    }

    #[test]
    fn only_what_changed_is_asked_for_and_never_much() {
        let before = site(&[("a", "10.20.0.5"), ("b", "10.20.0.6")]);
        let after = site(&[("a", "10.20.0.5"), ("b", "10.20.0.7"), ("c", "10.20.0.8")]);
        let none = BTreeSet::new();
        let host = |name: &str, address: &str| Target::Host {
            name: name.to_owned(),
            address: address.parse().unwrap(),
        };
        let expected = [
            host("b.lab.internal", "10.20.0.7"),
            host("c.lab.internal", "10.20.0.8"),
        ];
        assert_eq!(changed(Some(&before), &after, &none), expected);
        assert_eq!(changed(Some(&after), &after, &none), []);
        let names: Vec<String> = (0..100).map(|n| format!("h{n}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "10.20.0.9")).collect();
        assert_eq!(changed(None, &site(&many), &none).len(), MOST);
    }
}
