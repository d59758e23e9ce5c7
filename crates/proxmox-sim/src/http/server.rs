//! Listeners and the lifecycle of a simulator. Requests are handled elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::serve::{Listener as _, ListenerExt as _, TapIo};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::cluster::core::Core;
use crate::cluster::dhcp;
use crate::cluster::persist;
use crate::cluster::usage;
use crate::config::{Config, Transport};
use crate::control;
use crate::handle::Handle;
use crate::http::redirect;
use crate::http::request::{self, Connection};
use crate::http::tls::{Certificate, CertificateError, Tls};

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
    #[error("the certificate: {0}")]
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
    let (reachable, desired) = watch::channel(true);
    let (listening, actual) = watch::channel(true);
    usage::broadcast(&core);
    tokio::spawn(usage::broadcast_loop(core.clone()));
    let path = core.config.state_file.clone();
    let saver = path.map(|path| tokio::spawn(persist::save_loop(core.clone(), path)));
    tokio::spawn(accept_loop(core.clone(), listener, desired, listening));
    let presence = Presence {
        desired: reachable,
        actual,
    };
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

/// A listener whose connections have `TCP_NODELAY` set. A response over TLS is written in several
/// small records, and without it all but the first wait for the client's delayed acknowledgment.
pub(crate) type NoDelayListener = TapIo<TcpListener, fn(&mut TcpStream)>;

async fn bind(address: SocketAddr) -> std::io::Result<NoDelayListener> {
    Ok(TcpListener::bind(address).await?.tap_io(set_nodelay))
}

fn set_nodelay(stream: &mut TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY setting failed");
    }
}

async fn listen(address: SocketAddr) -> Result<(NoDelayListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
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

/// Whether the simulator should be reachable, and whether it is.
#[derive(Clone)]
pub(crate) struct Presence {
    desired: watch::Sender<bool>,
    actual: watch::Receiver<bool>,
}

impl Presence {
    /// Opens or closes the listener and waits until that is done.
    pub(crate) async fn set(&self, reachable: bool) {
        self.desired.send_replace(reachable);
        // An error means that the simulator has stopped.
        let _ = self
            .actual
            .clone()
            .wait_for(|actual| *actual == reachable)
            .await;
    }
}

/// Accepts connections while the simulator should be reachable. Otherwise the listener and all
/// connections are closed, so that new connections are refused.
async fn accept_loop(
    core: Arc<Core>,
    mut listener: NoDelayListener,
    mut desired: watch::Receiver<bool>,
    listening: watch::Sender<bool>,
) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    loop {
        let connections = core.shutdown.child_token();
        tokio::select! {
            () = core.shutdown.cancelled() => return,
            () = accept(&core, &mut listener, &connections) => {}
            paused = desired.wait_for(|reachable| !*reachable) => if paused.is_err() { return },
        }
        drop(listener);
        connections.cancel();
        listening.send_replace(false);
        tokio::select! {
            () = core.shutdown.cancelled() => return,
            resumed = desired.wait_for(|reachable| *reachable) => if resumed.is_err() { return },
        }
        let Some(reopened) = reopen(address).await else {
            return;
        };
        listener = reopened;
        listening.send_replace(true);
    }
}

/// Binds the port again, with retries because closed connections may still occupy it.
async fn reopen(address: SocketAddr) -> Option<NoDelayListener> {
    for _ in 0..200 {
        match bind(address).await {
            Ok(listener) => return Some(listener),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
    tracing::error!(%address, "listener reopening failed");
    None
}

/// Accepts connections until the future is dropped.
async fn accept(core: &Arc<Core>, listener: &mut NoDelayListener, connections: &CancellationToken) {
    loop {
        let (stream, _) = listener.accept().await;
        tokio::spawn(serve(core.clone(), stream, connections.child_token()));
    }
}

/// Serves a connection until it ends or is closed.
async fn serve(core: Arc<Core>, stream: TcpStream, closed: CancellationToken) {
    let service = request::service(core.clone(), Connection(closed.clone()));
    let Some(tls) = &core.tls else {
        tokio::select! {
            () = closed.cancelled() => {}
            () = serve_http(stream, service) => {}
        }
        return;
    };
    let certificate = tls.current();
    tokio::select! {
        () = closed.cancelled() => {}
        () = certificate.retired.cancelled() => {}
        () = serve_tls(&core, stream, &certificate, service) => {}
    }
}

/// Serves TLS clients and redirects plain HTTP clients. Clients that send nothing before the
/// timeout are disconnected.
async fn serve_tls(core: &Core, stream: TcpStream, certificate: &Certificate, service: Router) {
    /// First byte of a TLS handshake record.
    const HANDSHAKE: u8 = 22;
    let timeout = core.config.handshake_timeout;
    let handshake = async {
        let mut first = [0u8];
        match stream.peek(&mut first).await {
            Ok(1) if first == [HANDSHAKE] => certificate.acceptor.accept(stream).await.map(Some),
            Ok(1) => {
                let address = stream.local_addr()?.to_string();
                serve_http(stream, redirect::service(address)).await;
                Ok(None)
            }
            Ok(_) => Ok(None),
            Err(error) => Err(error),
        }
    };
    match tokio::time::timeout(timeout, handshake).await {
        Ok(Ok(Some(stream))) => serve_http(stream, service).await,
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake timed out"),
    }
}

async fn serve_http(stream: impl AsyncRead + AsyncWrite + Unpin, service: Router) {
    let outcome = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .await;
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accepted_connections_have_nodelay_set_after_reopen() {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let (mut listener, address) = listen(free).await.unwrap();
        let _client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await;
        assert!(stream.nodelay().unwrap());

        drop((stream, listener));
        let mut listener = reopen(address).await.unwrap();
        let _client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await;
        assert!(stream.nodelay().unwrap());
    }
}
