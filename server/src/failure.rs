//! Why the program ends early: what it was doing, the cause, and an exit code for scripts.

use std::{io, net::SocketAddr, path::PathBuf, process::ExitCode};

use proxmox_sim::{RunError, StartError};

use crate::{assets::AssetsError, config::ConfigError};

/// Why the program ends early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration cannot be used.
    #[error("configuration: {0}")]
    Config(#[from] ConfigError),
    /// The data folder cannot be used.
    #[error("data folder: {}: {cause}", path.display())]
    Data {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// There is no key for stored secrets.
    #[error("key: {0}")]
    Key(#[from] store::KeyError),
    /// The database cannot be opened.
    #[error("database: {0}")]
    Database(#[from] store::OpenError),
    /// The database was opened and then failed.
    #[error("database: {0}")]
    Store(#[from] store::Error),
    /// The address cannot be listened on.
    #[error("listen: {address}: {cause}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// The system's reason.
        cause: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("tls: {} and {}: {cause}", cert.display(), key.display())]
    Tls {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        cause: io::Error,
    },
    /// The site inside the program, or in the build's folder, cannot be read.
    #[error("site: {0}")]
    Assets(#[from] AssetsError),
    /// The simulated cluster did not start.
    #[error("simulator: {0}")]
    Simulator(#[from] proxmox_sim::StartError),
    /// The simulator, run for itself, cannot go on.
    #[error("proxmox-sim: {0}")]
    ProxmoxSim(RunError),
    /// A use case refused.
    #[error("{what}: {cause}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// The refusal.
        cause: model::Error,
    },
    /// An argument or the input cannot be used.
    #[error("{what}: {why}")]
    Input {
        /// Which.
        what: &'static str,
        /// What would be right.
        why: String,
    },
    /// The system does not let the program run.
    #[error("system: {0}")]
    System(io::Error),
    /// What was to be printed could not be.
    #[error("output: {0}")]
    Output(io::Error),
}

impl From<RunError> for Failure {
    fn from(cause: RunError) -> Self {
        match cause {
            RunError::Output(cause) => Self::Output(cause),
            other => Self::ProxmoxSim(other),
        }
    }
}

impl Failure {
    /// The exit code; `holdfast --help` lists them.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Input { .. } => 2,
            Self::ProxmoxSim(cause) => simulator_code(cause),
            Self::Config(_) | Self::Data { .. } | Self::Key(_) | Self::Tls { .. } => 3,
            Self::Database(_) | Self::Store(_) => 4,
            Self::Listen { .. } => 5,
            Self::Refused { .. } => 6,
            Self::Assets(_) | Self::Simulator(_) | Self::System(_) | Self::Output(_) => 1,
        })
    }
}

fn simulator_code(cause: &RunError) -> u8 {
    match cause {
        RunError::Start(StartError::ControlNotLocal { .. }) => 2,
        RunError::PasswordFile { .. } | RunError::NoPassword { .. } => 3,
        RunError::Start(StartError::Listen { .. }) => 5,
        RunError::Start(StartError::Certificate(_) | StartError::StateFile { .. })
        | RunError::Output(_)
        | RunError::Signal(_) => 1,
    }
}
