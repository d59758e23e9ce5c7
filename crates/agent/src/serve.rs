//! The agent's main loop: polls the manager, applies the site configuration, reports the outcome,
//! and reverts manual changes. While the manager is unreachable, the host keeps serving its last
//! configuration.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use edge::{
    Layout, Snapshot,
    link::{Asking, Given},
};
use model::{
    hosts::{self, HostFacts, Report},
    names::InterfaceName,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    Applier, Control, Error, LinkError, Outcome, Published, Settings, Steps,
    certificate::{self, CertificateError},
    certificate_store::CertificateStore,
    host_facts::{self, HostFactsError},
    leases::LeaseReporter,
    link::Link,
    live::LiveFiles,
    manager_client::ManagerClient,
    probe::{self, AppliedSite},
    programs::is_systemd,
    saved_state::SavedState,
};

/// The first delay after a failure. It doubles with each further failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The maximum delay.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Why a synchronization failed. It is retried.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    HostFacts(#[from] HostFactsError),
    #[error(transparent)]
    Apply(#[from] Error),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("Work on the disk was broken off.")]
    BrokenOff,
}

/// The state of the main loop.
struct Serving {
    base: PathBuf,
    manager: Arc<ManagerClient>,
    interface: InterfaceName,
    /// The applier, and the layout that it was opened for.
    applier: Option<(Layout, Applier)>,
    /// The last site configuration received.
    desired: Option<Given>,
    /// The last site configuration that was live. It differs from the desired one where a
    /// certificate could not be fetched.
    live: Option<Snapshot>,
    /// The last report sent.
    last_report: Option<Report>,
    /// Which addresses are leases.
    leases: LeaseReporter,
    /// The certificate files on this host.
    certificates: CertificateStore,
    /// Notifies the prober about applied configurations.
    applied: watch::Sender<Option<AppliedSite>>,
    /// Reports the live files to the manager.
    files: LiveFiles,
}

/// Runs until `stop` is canceled.
///
/// # Errors
/// If the settings do not permit a connection to the manager, such as plain HTTP over a network.
pub async fn run(
    base: &Path,
    settings: Settings,
    stop: CancellationToken,
) -> Result<(), LinkError> {
    let link = Link::new(settings.manager, settings.fingerprint.as_ref())?;
    let manager = Arc::new(ManagerClient::new(link, settings.key));
    let (desired, live) = match SavedState::load(base).await {
        Some(saved) => (Some(saved.desired), Some(saved.live)),
        None => (None, None),
    };
    let (applied, latest) = watch::channel(None);
    tokio::spawn(probe::follow(latest, Arc::clone(&manager)));
    let mut serving = Serving {
        base: base.to_owned(),
        files: LiveFiles::start(Arc::clone(&manager)),
        manager,
        interface: settings.interface,
        applier: None,
        live,
        desired,
        last_report: None,
        leases: LeaseReporter::default(),
        certificates: CertificateStore::default(),
        applied,
    };
    let mut wait = FIRST_WAIT;
    // Serve the saved configuration even if the manager is unreachable.
    if let Err(error) = serving.reconcile().await {
        tracing::warn!(%error, "applying saved configuration failed");
    }
    while !stop.is_cancelled() {
        let result = tokio::select! {
            result = serving.sync() => result,
            () = stop.cancelled() => return Ok(()),
        };
        let Err(error) = result else {
            wait = FIRST_WAIT;
            continue;
        };
        tracing::warn!(%error, retry_in_s = wait.as_secs(), "sync failed");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return Ok(()),
        }
        wait = (wait * 2).min(MAX_WAIT);
        if let Err(error) = serving.reconcile().await {
            tracing::warn!(%error, "applying last configuration failed");
        }
    }
    Ok(())
}

impl Serving {
    /// Polls the manager once and applies the result.
    async fn sync(&mut self) -> Result<(), SyncError> {
        let (about, layout) = self.host().await?;
        let request = Asking {
            about,
            layout: layout.clone(),
            has: self.desired.as_ref().map(|desired| desired.generation),
        };
        // After a start, request the configuration again and report on it, for the manager may not
        // know this host's state.
        let request = if self.last_report.is_none() {
            Asking {
                has: None,
                ..request
            }
        } else {
            request
        };
        if let Some(desired) = self.manager.poll(&request).await? {
            tracing::info!(generation = desired.generation, "configuration received");
            self.desired = Some(desired);
        }
        self.reconcile().await?;
        self.report_leases().await
    }

    /// Reports the DHCP leases if this host is the site's DHCP server and they changed.
    async fn report_leases(&mut self) -> Result<(), SyncError> {
        let gives = |desired: &Given| desired.snapshot.network.dhcp.is_some();
        if !self.desired.as_ref().is_some_and(gives) {
            self.leases = LeaseReporter::default();
            return Ok(());
        }
        let (_, layout) = self.host().await?;
        if let Some(applied) = self.leases.poll(&layout).await {
            self.manager.send_leases(applied.leases()).await?;
            self.leases.mark_reported(&applied);
        }
        Ok(())
    }

    async fn host(&self) -> Result<(HostFacts, Layout), HostFactsError> {
        host_facts::collect(&self.base, &self.interface).await
    }

    /// Applies the desired site configuration, and reports the outcome if it changed.
    async fn reconcile(&mut self) -> Result<(), SyncError> {
        let Some(desired) = self.desired.clone() else {
            return Ok(());
        };
        let (about, layout) = self.host().await?;
        // Certificates must be on disk before a configuration refers to them.
        let (site, unserved) = self
            .certificates
            .stage(
                &self.manager,
                &desired.snapshot,
                self.live.as_ref(),
                &layout,
            )
            .await;
        let published = self.publish(&site, &layout).await?;
        let report = Report {
            unserved,
            ..report(desired.generation, &published)
        };
        let is_live = report.outcome == hosts::ApplyOutcome::Live;
        if is_live {
            let saved = SavedState {
                desired,
                live: site.clone(),
            };
            saved.save(&self.base).await;
            self.certificates.prune_unused(&site, &layout).await;
        }
        if self.last_report.as_ref() != Some(&report) {
            tracing::info!(generation = report.generation, outcome = ?report.outcome, quarantined = report.aside.len(), "configuration applied");
            let turn = self.manager.send_report(&report).await?;
            self.last_report = Some(report.clone());
            if is_live {
                let before = self.live.replace(site.clone());
                let applied = AppliedSite::new(before.as_ref(), site.clone(), turn, report);
                self.applied
                    .send_replace(Some(applied.on(about.address, &layout)));
            }
        }
        if is_live {
            let quarantined = published
                .quarantined
                .iter()
                .map(|quarantined| quarantined.service);
            self.files.mark_live(&site, &layout, quarantined);
        }
        Ok(())
    }

    async fn publish(&mut self, site: &Snapshot, layout: &Layout) -> Result<Published, SyncError> {
        let (known, place) = (site.clone(), layout.clone());
        let made = tokio::task::spawn_blocking(move || certificate::ensure(&known, &place));
        let is_new = made.await.map_err(|_| SyncError::BrokenOff)??;
        let same = self
            .applier
            .as_ref()
            .is_some_and(|(host, _)| host == layout);
        // A new own certificate requires a full reload, which a newly opened applier does.
        if is_new || !same {
            self.applier = None;
            let opened = Applier::open(layout, control(layout), Steps::default()).await?;
            self.applier = Some((layout.clone(), opened));
        }
        match &mut self.applier {
            Some((_, applier)) => Ok(applier.publish(site, layout).await?),
            None => Err(SyncError::BrokenOff),
        }
    }
}

fn report(generation: i64, published: &Published) -> Report {
    let outcome = match &published.outcome {
        Outcome::Unchanged | Outcome::Applied { .. } => hosts::ApplyOutcome::Live,
        Outcome::Refused(refusal)
        | Outcome::RolledBack { refusal, .. }
        | Outcome::ReloadFailed(refusal) => hosts::ApplyOutcome::Refused {
            words: refusal.message.clone(),
        },
    };
    let quarantined = published
        .quarantined
        .iter()
        .map(|quarantined| hosts::QuarantinedService {
            service: quarantined.service,
            words: quarantined.message.clone(),
        });
    Report {
        generation,
        outcome,
        aside: quarantined.collect(),
        silent: Vec::new(),
        unserved: Vec::new(),
    }
}

/// How nginx and dnsmasq are controlled on this host.
fn control(layout: &Layout) -> [Control; 2] {
    if is_systemd() {
        return [Control::systemd(), Control::systemd()];
    }
    let (live, run, log) = (&layout.live, &layout.run, &layout.log);
    let arguments = |line: String| line.split(' ').map(str::to_owned).collect();
    [
        format!("nginx -e {log}/error.log -p {live}/nginx/ -c nginx.conf"),
        format!("dnsmasq --pid-file={run}/dnsmasq.pid --conf-file={live}/dnsmasq/dnsmasq.conf"),
    ]
    .map(|line| Control::Command(arguments(line)))
}
