//! What a role of a host implements. The agent calls all of its roles; a new role is only added to
//! [`roles::ALL`](crate::roles::ALL).

use std::{path::PathBuf, sync::Arc};

use agent_protocol::{HostDescription, PollResponse, Report};
use async_trait::async_trait;
use model::names::InterfaceName;
use serde_json::value::RawValue;

use super::manager_client::ManagerClient;

/// Why a role could not do its part. The agent logs the error and tries again.
pub type RoleError = Box<dyn std::error::Error + Send + Sync>;

/// systemd units and permissions that a role needs.
#[derive(Clone, Copy, Debug)]
pub struct RoleUnits {
    /// Files below systemd's unit directory, with `@FOLDER@` for the agent's directory.
    pub files: &'static [(&'static str, &'static str)],
    /// Paths outside the agent's directory that the agent must be able to write.
    pub writable: &'static [&'static str],
    /// The services that must be restarted to use the files.
    pub services: &'static [&'static str],
}

/// The agent's directory and network interface on a host.
#[derive(Clone, Debug)]
pub struct AgentPaths {
    /// The agent's directory.
    pub base: PathBuf,
    /// The interface in the site's network.
    pub interface: InterfaceName,
}

/// What a role saved before the last exit.
#[derive(Clone, Copy, Debug)]
pub struct SavedRole<'a> {
    /// The last configuration that went live.
    pub desired: &'a PollResponse,
    /// The result of [`RunningRole::state`] for it.
    pub state: Option<&'a RawValue>,
}

/// A role that a host can have.
#[async_trait]
pub trait Role: Sync {
    /// The role's name in the saved state.
    fn name(&self) -> &'static str;

    /// The systemd units of the role.
    fn units(&self) -> RoleUnits;

    /// Adds what the manager needs to know about this host.
    ///
    /// # Errors
    /// If a required program is missing.
    async fn describe(
        &self,
        paths: &AgentPaths,
        description: &mut HostDescription,
    ) -> Result<(), RoleError>;

    /// Starts the role with its background tasks.
    fn start(
        &self,
        manager: Arc<ManagerClient>,
        saved: Option<SavedRole<'_>>,
    ) -> Box<dyn RunningRole>;
}

/// A running role.
#[async_trait]
pub trait RunningRole: Send {
    /// Applies the role's part of a configuration and completes the report on it. Called repeatedly
    /// with the same configuration, to revert manual changes.
    ///
    /// # Errors
    /// If the attempt failed. It is repeated.
    async fn apply(
        &mut self,
        desired: &PollResponse,
        description: &HostDescription,
        report: &mut Report,
    ) -> Result<(), RoleError>;

    /// What to save besides a configuration that went live. Must not contain any key.
    fn state(&self, desired: &PollResponse) -> Option<Box<RawValue>>;

    /// Called after each [`Self::apply`] once the manager has the report. `sent` is the number of
    /// the report if it changed and was sent.
    fn reported(&mut self, report: &Report, sent: Option<u64>);

    /// Reports other observations of this host, after each poll.
    ///
    /// # Errors
    /// If the manager could not be reached. It is repeated.
    async fn observe(
        &mut self,
        desired: &PollResponse,
        description: &HostDescription,
    ) -> Result<(), RoleError>;
}
