//! Errors that end the program, with an exit code for scripts.

use std::{io, net::SocketAddr, path::PathBuf, process::ExitCode};

use proxmox_sim::{RunError, StartError};

use crate::{assets::AssetsError, config::ConfigError};

/// An error that ends the program.
#[derive(Debug, thiserror::Error)]
pub enum ExitError {
    /// The configuration is invalid.
    #[error("configuration: {0}")]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error("data directory: {}: {cause}", path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// The I/O error.
        cause: io::Error,
    },
    /// The key for stored secrets is missing or invalid.
    #[error("key: {0}")]
    Key(#[from] store::KeyError),
    /// The database cannot be opened.
    #[error("database: {0}")]
    Database(#[from] store::OpenError),
    /// A query failed after the database was opened.
    #[error("database: {0}")]
    Store(#[from] store::Error),
    /// The address cannot be listened on.
    #[error("listen: {address}: {cause}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// The I/O error.
        cause: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("tls: {} and {}: {cause}", cert.display(), key.display())]
    Tls {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The error.
        cause: io::Error,
    },
    /// The web assets, embedded or in the build directory, cannot be read.
    #[error("web assets: {0}")]
    Assets(#[from] AssetsError),
    /// The simulated cluster did not start.
    #[error("simulator: {0}")]
    Simulator(#[from] proxmox_sim::StartError),
    /// The standalone simulator failed.
    #[error("proxmox-sim: {0}")]
    ProxmoxSim(RunError),
    /// A use case returned an error.
    #[error("{operation}: {cause}")]
    Refused {
        /// The operation.
        operation: &'static str,
        /// The error of the use case.
        cause: model::Error,
    },
    /// An argument or the standard input is invalid.
    #[error("{argument}: {reason}")]
    Input {
        /// The argument.
        argument: &'static str,
        /// The expected form.
        reason: String,
    },
    /// A system call failed.
    #[error("system: {0}")]
    System(io::Error),
    /// Standard output cannot be written.
    #[error("output: {0}")]
    Output(io::Error),
}

/// Turns the error of a use case into the end of the program.
pub(crate) fn to_exit_error(operation: &'static str) -> impl Fn(model::Error) -> ExitError {
    move |cause| ExitError::Refused { operation, cause }
}

impl From<RunError> for ExitError {
    fn from(cause: RunError) -> Self {
        match cause {
            RunError::Output(cause) => Self::Output(cause),
            other => Self::ProxmoxSim(other),
        }
    }
}

impl ExitError {
    /// The exit code; `holdfastd --help` lists them.
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
