//! A simulator as a separate process: command-line options, and running until a signal. A program
//! with its own command line flattens [`Options`] into it.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, Delays, Transport};
use crate::simulator::{Sim, StartError, start};

/// Command-line options.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The address of the API; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8006")]
    pub listen: SocketAddr,
    /// A file with the password of root@pam
    #[arg(long, value_name = "FILE")]
    pub root_password_file: PathBuf,
    /// The simulated cluster
    #[arg(long, value_enum, default_value_t = ScenarioName::Standalone)]
    pub scenario: ScenarioName,
    /// A loopback address that accepts faults and changes as JSON
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub control: Option<SocketAddr>,
    /// A file that stores containers across restarts
    #[arg(long, value_name = "FILE")]
    pub state_file: Option<PathBuf>,
    /// The duration of an image pull, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub pull: Option<u64>,
    /// Serve HTTP without TLS, unlike Proxmox
    #[arg(long)]
    pub plain: bool,
}

/// The scenarios that can be selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ScenarioName {
    /// Two nodes with realistic delays and a few unmanaged containers
    Standalone,
    /// One node with the container of the recordings, without delays
    Recorded,
}

/// Why the program failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The password file cannot be read.
    #[error("the password of root@pam cannot be read from {}: {source}", path.display())]
    PasswordFile {
        /// Path of the file.
        path: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
    /// The password file is empty.
    #[error("{} is empty; its first line must be the password of root@pam", path.display())]
    NoPassword {
        /// Path of the file.
        path: PathBuf,
    },
    /// The simulator failed to start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The address could not be printed.
    #[error("could not print the address: {0}")]
    Output(io::Error),
    /// The signal handlers could not be installed.
    #[error("could not install signal handlers: {0}")]
    Signal(io::Error),
}

/// Runs a simulator until SIGINT or SIGTERM. Prints its URL, the fingerprint of its certificate and
/// how to sign in.
///
/// # Errors
/// If the simulator cannot start.
pub async fn run(options: Options) -> Result<(), RunError> {
    let password = password(&options.root_password_file)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signal)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signal)?;
    let sim = start(config(&options, &password)).await?;
    print_startup_info(&sim, &options.root_password_file).map_err(RunError::Output)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    sim.stop().await;
    Ok(())
}

/// The first line of the file.
fn password(path: &Path) -> Result<String, RunError> {
    let text = std::fs::read_to_string(path).map_err(|source| RunError::PasswordFile {
        path: path.to_owned(),
        source,
    })?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        _ => Err(RunError::NoPassword {
            path: path.to_owned(),
        }),
    }
}

fn config(options: &Options, password: &str) -> Config {
    let cluster = match options.scenario {
        ScenarioName::Standalone => Config::standalone(password),
        ScenarioName::Recorded => Config::recorded(password),
    };
    let transport = if options.plain {
        Transport::Plain
    } else {
        Transport::Tls
    };
    let pull = options.pull.map(Duration::from_secs);
    Config {
        delays: Delays {
            pull: pull.unwrap_or(cluster.delays.pull),
            ..cluster.delays
        },
        listen: options.listen,
        transport,
        control: options.control,
        state_file: options.state_file.clone(),
        ..cluster
    }
}

fn print_startup_info(sim: &Sim, password_file: &Path) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Simulated Proxmox VE at {}", sim.url())?;
    if let Some(fingerprint) = sim.fingerprint() {
        writeln!(out, "Fingerprint: {fingerprint}")?;
    }
    let file = password_file.display();
    writeln!(out, "Sign in as root@pam with the password in {file}")?;
    if let Some(url) = sim.control_url() {
        writeln!(out, "Control: {url}")?;
    }
    out.flush()
}
