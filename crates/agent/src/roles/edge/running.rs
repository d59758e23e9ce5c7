//! The running role of an edge host: stages certificates, applies the site, and reports what the
//! manager shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    sync::Arc,
    time::Duration,
};

use agent_protocol::{
    ApplyOutcome, ConfigPart, HostDescription, PollResponse, QuarantinedPart, Report,
};
use async_trait::async_trait;
use edge::{Effect, Layout, SiteConfig};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;

use super::{
    applier::{Applier, open, service_managers},
    certificate,
    certificate_store::CertificateStore,
    leases::LeaseReporter,
    probe::{self, AppliedSite},
};
use crate::core::{
    Error, Outcome, PublishOutcome, RoleError, RunningRole, Steps,
    live_files::{LiveConfig, LiveFiles},
    manager_client::ManagerClient,
    role::SavedRole,
};

/// A site as it is live on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LiveSite {
    /// Differs from the desired site where a certificate could not be fetched.
    site: SiteConfig,
    layout: Layout,
    quarantined: BTreeSet<ConfigPart>,
}

impl LiveConfig for LiveSite {
    fn render(&self) -> Option<BTreeMap<String, String>> {
        let tree = edge::render(&self.site.without(&self.quarantined), &self.layout).ok()?;
        let files = tree.files();
        Some(
            files
                .map(|(path, file)| (path.to_owned(), file.text.clone()))
                .collect(),
        )
    }
}

/// The site that was applied last.
struct LiveState {
    live: LiveSite,
    address: Ipv4Addr,
}

/// The running role of an edge host.
pub(super) struct RunningEdge {
    manager: Arc<ManagerClient>,
    /// The applier, and the layout that it was opened for.
    applier: Option<(Layout, Applier)>,
    /// The site that the last report on a live configuration was about.
    live: Option<SiteConfig>,
    /// The site that went live in the last run; none if the last run failed.
    applied: Option<LiveState>,
    leases: LeaseReporter,
    certificates: CertificateStore,
    /// Notifies the prober about applied sites.
    probes: watch::Sender<Option<AppliedSite>>,
    files: LiveFiles<LiveSite>,
}

impl RunningEdge {
    /// Starts the background tasks.
    pub(super) fn start(manager: Arc<ManagerClient>, saved: Option<SavedRole<'_>>) -> Self {
        let (probes, latest) = watch::channel(None);
        tokio::spawn(probe::follow(latest, Arc::clone(&manager)));
        Self {
            files: LiveFiles::start(Arc::clone(&manager)),
            manager,
            applier: None,
            live: saved.map(restore),
            applied: None,
            leases: LeaseReporter::default(),
            certificates: CertificateStore::default(),
            probes,
        }
    }

    async fn publish(
        &mut self,
        site: &SiteConfig,
        layout: &Layout,
    ) -> Result<PublishOutcome<ConfigPart>, RoleError> {
        let (own_site, own_layout) = (site.clone(), layout.clone());
        let created =
            tokio::task::spawn_blocking(move || certificate::ensure(&own_site, &own_layout));
        let is_new = created.await.map_err(|_| Error::Canceled)??;
        let current = self.applier.take().filter(|(host, _)| host == layout);
        // A new own certificate requires a full reload, which a newly opened applier does.
        let mut applier = match current.filter(|_| !is_new) {
            Some((_, applier)) => applier,
            None => open(layout, service_managers(layout), Steps::default())
                .await?
                .with_min_intervals(min_interval),
        };
        let published = applier.publish(site).await;
        self.applier = Some((layout.clone(), applier));
        Ok(published?)
    }
}

/// The shortest time between two effects of the same kind. An nginx reload replaces all workers,
/// and a restart of dnsmasq interrupts DNS and DHCP.
fn min_interval(effect: Effect) -> Duration {
    match effect {
        Effect::ReloadNginx => Duration::from_secs(2),
        Effect::RestartDnsmasq => Duration::from_secs(5),
        Effect::ReloadDnsmasq | Effect::None => Duration::ZERO,
    }
}

/// The site that was served before the last exit.
fn restore(saved: SavedRole<'_>) -> SiteConfig {
    let state = saved.state.map(|state| serde_json::from_str(state.get()));
    match state {
        Some(Ok(site)) => site,
        Some(Err(error)) => {
            tracing::warn!(%error, "saved site parse failed");
            saved.desired.config.clone()
        }
        None => saved.desired.config.clone(),
    }
}

#[async_trait]
impl RunningRole for RunningEdge {
    async fn apply(
        &mut self,
        desired: &PollResponse,
        description: &HostDescription,
        report: &mut Report,
    ) -> Result<(), RoleError> {
        self.applied = None;
        let Some(layout) = &description.layout else {
            return Ok(());
        };
        // Certificates must be on disk before a configuration refers to them.
        let (site, unservable) = self
            .certificates
            .stage(&self.manager, &desired.config, self.live.as_ref(), layout)
            .await;
        let published = self.publish(&site, layout).await?;
        report.unservable_certificates.extend(unservable);
        let quarantined = published.quarantined.iter();
        report
            .quarantined
            .extend(quarantined.map(|found| QuarantinedPart {
                part: found.part.clone(),
                message: found.message.clone(),
            }));
        match published.outcome {
            Outcome::Unchanged | Outcome::Applied { .. } => {
                self.certificates.prune_unused(&site, layout).await;
                let quarantined = published.quarantined.iter();
                self.applied = Some(LiveState {
                    live: LiveSite {
                        site,
                        layout: layout.clone(),
                        quarantined: quarantined.map(|found| found.part.clone()).collect(),
                    },
                    address: description.host.address,
                });
            }
            Outcome::Refused(refusal)
            | Outcome::RolledBack { refusal, .. }
            | Outcome::ReloadFailed(refusal) => {
                report.outcome = ApplyOutcome::Refused {
                    message: refusal.message,
                };
            }
        }
        Ok(())
    }

    /// The served site if it differs from the desired one. Only this records which certificate was
    /// served instead of one that could not be fetched.
    fn state(&self, desired: &PollResponse) -> Option<Box<RawValue>> {
        let site = &self.applied.as_ref()?.live.site;
        if *site == desired.config {
            return None;
        }
        to_raw_value(site)
            .inspect_err(|error| tracing::warn!(%error, "served site serialization failed"))
            .ok()
    }

    fn reported(&mut self, report: &Report, sent: Option<u64>) {
        let Some(LiveState { live, address }) = &self.applied else {
            return;
        };
        if let Some(number) = sent {
            let before = self.live.replace(live.site.clone());
            let applied =
                AppliedSite::new(before.as_ref(), live.site.clone(), number, report.clone());
            self.probes
                .send_replace(Some(applied.on(*address, &live.layout)));
        }
        self.files
            .mark_live(|reported| reported == live, || live.clone());
    }

    /// Reports the DHCP leases if this host is the site's DHCP server and they changed.
    async fn observe(
        &mut self,
        desired: &PollResponse,
        description: &HostDescription,
    ) -> Result<(), RoleError> {
        let is_server = desired.config.network.dhcp.is_some();
        let Some(layout) = description.layout.as_ref().filter(|_| is_server) else {
            self.leases = LeaseReporter::default();
            return Ok(());
        };
        if let Some(update) = self.leases.poll(layout).await {
            self.manager.send_leases(update.leases()).await?;
            self.leases.mark_reported(&update);
        }
        Ok(())
    }
}
