//! ACME challenges: HTTP-01 by responses from the site's edge hosts, DNS-01 by records at the
//! domain's DNS provider.

use std::time::Duration;

use async_trait::async_trait;
use model::{
    CertificateId, ProviderId, SiteId,
    events::{Event, Topic},
    hosts::{ApplyOutcome, HostRow},
};
use pki::acme::{Challenge, Solver};
use store::{Conn, challenges::ChallengeResponse, dns_records::RecordPurpose};
use tokio::sync::OwnedMutexGuard;

use super::lease::{Claim, write_if_held};
use crate::{Control, failure::StoreResultExt as _, providers};

/// How long edge hosts may take to apply the challenge responses.
const EDGE_TIMEOUT: Duration = Duration::from_secs(60);
/// The polling interval, in addition to notifications: the report may have reached another server.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long the provider's name servers may take to serve a record.
const DNS_TIMEOUT: Duration = Duration::from_secs(180);

/// Solves HTTP-01 challenges on the edge hosts of a site.
pub(super) struct HttpSolver {
    control: Control,
    site: SiteId,
    claim: Claim,
}

impl HttpSolver {
    pub(super) fn new(control: &Control, site: SiteId, claim: &Claim) -> Self {
        Self {
            control: control.clone(),
            site,
            claim: claim.clone(),
        }
    }

    /// Waits until every reachable edge host serves the responses.
    async fn wait(&self, generation: i64) -> Result<(), String> {
        let mut changes = self.control.notifier().changes();
        let waiting = async {
            loop {
                let site = self.site;
                let hosts = self
                    .control
                    .store()
                    .read(move |c| store::hosts::list_by_site(c, site))
                    .await
                    .into_model("list hosts of challenge")
                    .map_err(|error| error.to_string())?;
                let rows = hosts.into_iter().map(|host| host.row);
                match readiness(rows, generation) {
                    Readiness::Ready => return Ok(()),
                    Readiness::Failed(message) => return Err(message),
                    Readiness::Pending => {}
                }
                tokio::select! {
                    () = changes.wait_for(&[Topic::Host]) => {}
                    () = tokio::time::sleep(POLL_INTERVAL) => {}
                }
            }
        };
        let done = tokio::time::timeout(EDGE_TIMEOUT, waiting).await;
        done.unwrap_or_else(|_| {
            Err("The edge hosts did not publish the challenge within a minute. Check the site's hosts.".to_owned())
        })
    }
}

/// Whether the edge hosts of a site have applied a generation.
#[derive(Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    Pending,
    Failed(String),
}

/// Ignores unreachable hosts: they may never return, and the CA connects to the address that the
/// hostname resolves to.
fn readiness(hosts: impl Iterator<Item = HostRow>, generation: i64) -> Readiness {
    let reachable: Vec<HostRow> = hosts
        .filter(|host| host.facts.is_some() && host.is_online)
        .collect();
    if reachable.is_empty() {
        let message = "No edge host of the site is online to respond to the challenge. Check the site's hosts.";
        return Readiness::Failed(message.to_owned());
    }
    let mut waiting = false;
    for host in reachable {
        if host
            .applied_generation
            .is_some_and(|applied| applied >= generation)
        {
            continue;
        }
        let report = host.report.filter(|it| it.generation >= generation);
        match report.map(|report| report.outcome) {
            Some(ApplyOutcome::Refused { message }) => {
                return Readiness::Failed(format!(
                    "The edge host {} cannot respond to the challenge: {message}",
                    host.name
                ));
            }
            _ => waiting = true,
        }
    }
    if waiting {
        Readiness::Pending
    } else {
        Readiness::Ready
    }
}

#[async_trait]
impl Solver for HttpSolver {
    async fn publish(&self, challenges: &[Challenge]) -> Result<(), String> {
        let responses: Result<Vec<ChallengeResponse>, String> = challenges
            .iter()
            .map(|challenge| match challenge {
                Challenge::Http {
                    token,
                    key_authorization,
                    ..
                } => Ok(ChallengeResponse {
                    token: token.clone(),
                    key_authorization: key_authorization.clone(),
                }),
                Challenge::Dns { .. } => {
                    Err("Edge hosts cannot answer DNS-01 challenges.".to_owned())
                }
            })
            .collect();
        let responses = responses?;
        let (site, certificate) = (self.site, self.claim.certificate.id);
        let upsert = move |c: &mut Conn, now| {
            store::challenges::upsert(c, site, certificate, &responses, now)
        };
        let generation = write_if_held(&self.control, &self.claim, upsert)
            .await
            .map_err(|error| error.to_string())?;
        publish_change(&self.control, certificate);
        self.wait(generation).await
    }

    async fn cleanup(&self, _: &[Challenge]) {
        remove_challenges(&self.control, &self.claim).await;
    }
}

/// Removes all challenge responses and DNS records of a certificate, unless a later attempt owns
/// them.
pub(super) async fn remove_challenges(control: &Control, claim: &Claim) {
    let (certificate, owner) = (claim.certificate.id, claim.lease.owner());
    let clock = control.clock();
    let removed = control
        .store()
        .write(move |c| {
            if !store::certificates::lock_unless_claimed(c, certificate, &owner)? {
                return Ok(false);
            }
            let now = clock.now(c)?;
            store::dns_records::mark_challenges_for_removal(c, certificate, now)?;
            store::challenges::delete_by_certificate(c, certificate)
        })
        .await;
    match removed {
        Ok(false) => {}
        Ok(true) => publish_change(control, certificate),
        Err(error) => {
            let subject = &claim.certificate.subject;
            tracing::warn!(certificate = %subject, %error, "ACME challenge removal failed");
        }
    }
    control.issuance_wakeup().notify();
}

/// Notifies the edge hosts immediately.
fn publish_change(control: &Control, certificate: CertificateId) {
    let event = Event::of(Topic::Certificate, certificate.0);
    control.notifier().publish(event);
}

/// Solves DNS-01 challenges at a DNS provider.
pub(super) struct DnsSolver {
    control: Control,
    provider: Box<dyn dns::Provider>,
    id: ProviderId,
    claim: Claim,
    /// Held while this certificate uses a provider with few values per name.
    _guard: Option<OwnedMutexGuard<()>>,
}

impl DnsSolver {
    pub(super) async fn new(
        control: &Control,
        id: ProviderId,
        claim: &Claim,
    ) -> Result<Self, super::issue::IssueError> {
        use super::issue::IssueError;
        let record = providers::record(control, id).await?;
        let record = record
            .ok_or_else(|| IssueError::Local("The DNS provider no longer exists.".to_owned()))?;
        let provider = providers::open(control, &record).map_err(IssueError::Local)?;
        let guard = providers::lock_exclusive(control, &record.row)
            .map_err(|providers::ProviderBusy| IssueError::ProviderBusy)?;
        Ok(Self {
            _guard: guard,
            control: control.clone(),
            provider,
            id,
            claim: claim.clone(),
        })
    }

    /// Stores a record before it is created at the provider, so that it is removed even if this
    /// process stops. The write renews the lease, so the provider is not called without it.
    async fn add(&self, name: &str, value: &str) -> Result<(), String> {
        let stored = store::dns_records::DnsRecord {
            name: name.to_owned(),
            record_type: "TXT",
            value: value.to_owned(),
        };
        let (provider, purpose) = (self.id, RecordPurpose::Challenge(self.claim.certificate.id));
        let upsert = move |c: &mut Conn, _| {
            store::dns_records::upsert_desired(c, provider, purpose, &stored, None)
        };
        write_if_held(&self.control, &self.claim, upsert)
            .await
            .map_err(|error| error.to_string())?;
        let record = dns::Record {
            name: name.to_owned(),
            value: dns::RecordValue::Txt(value.to_owned()),
        };
        let added = self.provider.add(&record).await;
        added.map_err(|error| error.to_string())?;
        let resolver = &self.control.dns().resolver;
        match dns::wait_until_visible(resolver, &record, DNS_TIMEOUT).await {
            Ok(true) => {}
            // The CA decides: its resolver may see a record that this host does not see.
            Ok(false) => {
                tracing::warn!(record = name, "DNS record not visible on all name servers")
            }
            Err(error) => tracing::warn!(record = name, %error, "DNS record lookup failed"),
        }
        Ok(())
    }
}

#[async_trait]
impl Solver for DnsSolver {
    async fn publish(&self, challenges: &[Challenge]) -> Result<(), String> {
        for challenge in challenges {
            match challenge {
                Challenge::Dns { name, value } => self.add(name, value).await?,
                Challenge::Http { .. } => {
                    return Err("DNS providers cannot answer HTTP-01 challenges.".to_owned());
                }
            }
        }
        Ok(())
    }

    async fn cleanup(&self, _: &[Challenge]) {
        remove_challenges(&self.control, &self.claim).await;
    }
}
