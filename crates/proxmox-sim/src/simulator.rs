//! The lifecycle of a simulator: start and stop.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::DropGuard;

use crate::cluster::core::Core;
use crate::cluster::dhcp;
use crate::cluster::persist::{self, StateFileError};
use crate::cluster::tls::{CertificateError, Tls};
use crate::cluster::usage;
use crate::config::{Config, Transport};
use crate::control;
use crate::handle::Handle;
use crate::http::server::{self, NoDelayListener};

/// Why a simulator failed to start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is in use or not permitted.
    #[error("could not listen on {address}: {source}")]
    Listen {
        /// Requested address.
        address: SocketAddr,
        /// The I/O error.
        source: std::io::Error,
    },
    /// The control address is not a loopback address.
    #[error(
        "{address} can be reached from other machines; the control API needs a loopback address such as 127.0.0.1:8007"
    )]
    ControlNotLocal {
        /// Requested address.
        address: SocketAddr,
    },
    /// No certificate could be generated.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The state file exists but cannot be read.
    #[error("could not read the state file {path}: {source}")]
    StateFile {
        /// Path of the file.
        path: std::path::PathBuf,
        /// The I/O or parse error.
        source: std::io::Error,
    },
}

impl From<StateFileError> for StartError {
    fn from(StateFileError { path, source }: StateFileError) -> Self {
        Self::StateFile { path, source }
    }
}

/// A running simulator. Dropping it stops it. [`Sim::stop`] also waits until the state file is
/// written.
pub struct Sim {
    handle: Arc<Handle>,
    address: SocketAddr,
    control: Option<SocketAddr>,
    saver: Option<JoinHandle<()>>,
    _stop: DropGuard,
}

/// Starts a simulator. Must be called within a Tokio runtime.
///
/// # Errors
/// If it cannot listen, the control address is not a loopback address, or the state file cannot be
/// read.
pub async fn start(config: Config) -> Result<Sim, StartError> {
    let state = persist::load(&config).await?;
    let (listener, address) = listen(config.listen).await?;
    let control = match config.control {
        Some(address) if !address.ip().is_loopback() => {
            return Err(StartError::ControlNotLocal { address });
        }
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let tls = match config.transport {
        Transport::Plain => None,
        Transport::Tls => Some(Tls::new(certificate_names(&config, address))?),
    };
    let core = Arc::new(Core::new(config, state, tls));
    lease_addresses(&core);
    let stop = core.shutdown.clone().drop_guard();
    usage::broadcast(&core);
    tokio::spawn(usage::broadcast_loop(core.clone()));
    let path = core.config.state_file.clone();
    let saver = path.map(|path| tokio::spawn(persist::save_loop(core.clone(), path)));
    let presence = server::spawn(core.clone(), listener);
    let shutdown = core.shutdown.clone();
    let handle = Arc::new(Handle::new(core, presence));
    let control = control.map(|(listener, address)| {
        tokio::spawn(control::serve(listener, handle.clone(), shutdown));
        address
    });
    Ok(Sim {
        handle,
        address,
        control,
        saver,
        _stop: stop,
    })
}

async fn listen(address: SocketAddr) -> Result<(NoDelayListener, SocketAddr), StartError> {
    let listening = server::listen(address).await;
    listening.map_err(|source| StartError::Listen { address, source })
}

/// The names in the certificate: the first node and the addresses of the listener.
fn certificate_names(config: &Config, address: SocketAddr) -> Vec<String> {
    let node = config.scenario.nodes.first();
    let mut names: Vec<String> = node.map(|node| node.name.clone()).into_iter().collect();
    names.push("localhost".into());
    names.push("127.0.0.1".into());
    names.extend(Some(address.ip().to_string()).filter(|ip| ip != "127.0.0.1"));
    names
}

/// Leases addresses to containers that run from the start.
fn lease_addresses(core: &Core) {
    core.edit_transient(|state| {
        let running = state.containers.values().filter(|c| c.is_running());
        let running: Vec<u32> = running.map(|container| container.vmid).collect();
        for vmid in running {
            dhcp::lease_addresses(core, state, vmid);
        }
    });
}

impl Sim {
    /// The address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the listener: `http://127.0.0.1:PORT`, or `https://` with TLS.
    pub fn url(&self) -> String {
        let scheme = match self.handle.fingerprint() {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.address)
    }

    /// The SHA-256 fingerprint of the current certificate in the format of Proxmox: colon-separated
    /// pairs of upper-case hex digits. `None` without TLS.
    pub fn fingerprint(&self) -> Option<String> {
        self.handle.fingerprint()
    }

    /// The URL of the control API, if enabled.
    pub fn control_url(&self) -> Option<String> {
        self.control.map(|address| format!("http://{address}"))
    }

    /// Direct access that bypasses the API.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Stops the simulator: connections are closed, tasks end immediately, the state is saved.
    pub async fn stop(self) {
        let Self {
            handle,
            saver,
            _stop: stop,
            ..
        } = self;
        drop(stop);
        if let Some(saver) = saver {
            // An error means that the task panicked, which has already been reported.
            let _ = saver.await;
        }
        drop(handle);
    }
}
