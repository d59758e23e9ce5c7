//! The agent's main loop: polls the manager, lets the roles apply the configuration, and reports
//! the outcome. Manual changes are reverted. While the manager is unreachable, the host keeps its
//! last configuration.

use std::{path::Path, sync::Arc, time::Duration};

use agent_protocol::{ApplyOutcome, HostDescription, PollRequest, PollResponse, Report};
use model::backoff::Backoff;
use tokio_util::sync::CancellationToken;

use super::{
    host_facts,
    manager_client::ManagerClient,
    manager_http::{ManagerHttp, ManagerHttpError},
    role::{AgentPaths, Role, RoleError, RunningRole, SavedRole},
    saved_state::{self, RoleStates, SavedState},
    settings::Settings,
};

/// The first delay after a failure. It doubles with each further failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The maximum delay.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Why a synchronization failed. It is retried.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error(transparent)]
    Manager(#[from] ManagerHttpError),
    #[error("{0}")]
    Describe(RoleError),
    #[error("{role}: {error}")]
    Role {
        role: &'static str,
        error: RoleError,
    },
}

/// A running role with the role that started it.
struct RoleInstance {
    role: &'static dyn Role,
    running: Box<dyn RunningRole>,
}

impl RoleInstance {
    fn error(&self) -> impl FnOnce(RoleError) -> SyncError + use<> {
        let role = self.role.name();
        move |error| SyncError::Role { role, error }
    }
}

/// The state of the main loop.
struct MainLoop {
    paths: AgentPaths,
    manager: Arc<ManagerClient>,
    roles: Vec<RoleInstance>,
    /// The last configuration received.
    desired: Option<PollResponse>,
    /// The last report sent.
    last_report: Option<Report>,
}

/// Runs until `stop` is canceled.
///
/// # Errors
/// If the settings do not permit a connection to the manager, such as plain HTTP over a network.
pub async fn run(
    base: &Path,
    settings: Settings,
    roles: &[&'static dyn Role],
    stop: CancellationToken,
) -> Result<(), ManagerHttpError> {
    let http = ManagerHttp::new(settings.manager, settings.fingerprint.as_ref())?;
    let manager = Arc::new(ManagerClient::new(http, settings.key));
    let saved = saved_state::load(base).await;
    let mut main_loop = MainLoop {
        paths: AgentPaths {
            base: base.to_owned(),
            interface: settings.interface,
        },
        roles: start(roles, &manager, saved.as_ref()),
        manager,
        desired: saved.map(|saved| saved.desired),
        last_report: None,
    };
    let mut backoff = Backoff::new(FIRST_WAIT, MAX_WAIT);
    // Serve the saved configuration even if the manager is unreachable.
    if let Err(error) = main_loop.reconcile().await {
        tracing::warn!(%error, "saved configuration apply failed");
    }
    while !stop.is_cancelled() {
        let result = tokio::select! {
            result = main_loop.sync() => result,
            () = stop.cancelled() => return Ok(()),
        };
        let Err(error) = result else {
            backoff.reset();
            continue;
        };
        let wait = backoff.advance();
        tracing::warn!(%error, retry_in = ?wait, "sync failed");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return Ok(()),
        }
        if let Err(error) = main_loop.reconcile().await {
            tracing::warn!(%error, "last configuration apply failed");
        }
    }
    Ok(())
}

fn start(
    roles: &[&'static dyn Role],
    manager: &Arc<ManagerClient>,
    saved: Option<&SavedState>,
) -> Vec<RoleInstance> {
    let start = |role: &&'static dyn Role| {
        let saved = saved.map(|saved| SavedRole {
            desired: &saved.desired,
            state: saved.roles.get(role.name()).map(AsRef::as_ref),
        });
        RoleInstance {
            role: *role,
            running: role.start(Arc::clone(manager), saved),
        }
    };
    roles.iter().map(start).collect()
}

/// Describes this host to the manager.
///
/// # Errors
/// If the interface has no address, or a role lacks a program.
pub async fn describe(
    paths: &AgentPaths,
    roles: impl IntoIterator<Item = &'static dyn Role>,
) -> Result<HostDescription, RoleError> {
    let mut description = HostDescription::new(host_facts::collect(&paths.interface).await?);
    for role in roles {
        role.describe(paths, &mut description).await?;
    }
    Ok(description)
}

impl MainLoop {
    /// Polls the manager once and applies the result.
    async fn sync(&mut self) -> Result<(), SyncError> {
        // After a start, request the configuration again and report on it, for the manager may not
        // know this host's state.
        let known = self.desired.as_ref().filter(|_| self.last_report.is_some());
        let request = PollRequest {
            generation: known.map(|desired| desired.generation),
            description: self.describe().await?,
        };
        if let Some(desired) = self.manager.poll(&request).await? {
            tracing::info!(generation = desired.generation, "configuration received");
            self.desired = Some(desired);
        }
        self.reconcile().await?;
        let Some(desired) = &self.desired else {
            return Ok(());
        };
        let description = self.describe().await?;
        for role in &mut self.roles {
            let observed = role.running.observe(desired, &description).await;
            observed.map_err(role.error())?;
        }
        Ok(())
    }

    async fn describe(&self) -> Result<HostDescription, SyncError> {
        let roles = self.roles.iter().map(|role| role.role);
        describe(&self.paths, roles)
            .await
            .map_err(SyncError::Describe)
    }

    /// Applies the desired configuration, and reports the outcome if it changed.
    async fn reconcile(&mut self) -> Result<(), SyncError> {
        let Some(desired) = &self.desired else {
            return Ok(());
        };
        let description = self.describe().await?;
        let mut report = Report::live(desired.generation);
        for role in &mut self.roles {
            let applied = role.running.apply(desired, &description, &mut report).await;
            applied.map_err(role.error())?;
        }
        if report.outcome == ApplyOutcome::Live {
            let state = |role: &RoleInstance| {
                let state = role.running.state(desired)?;
                Some((role.role.name().to_owned(), state))
            };
            let states: RoleStates = self.roles.iter().filter_map(state).collect();
            saved_state::save(&self.paths.base, desired, &states).await;
        }
        let mut sent = None;
        if self.last_report.as_ref() != Some(&report) {
            let (generation, quarantined) = (report.generation, report.quarantined.len());
            match &report.outcome {
                ApplyOutcome::Live => {
                    tracing::info!(generation, quarantined, "configuration applied");
                }
                ApplyOutcome::Refused { message } => {
                    tracing::warn!(generation, error = message, "configuration refused");
                }
            }
            sent = Some(self.manager.send_report(&report).await?);
            self.last_report = Some(report.clone());
        }
        for role in &mut self.roles {
            role.running.reported(&report, sent);
        }
        Ok(())
    }
}
