//! Listening, and the life of a simulator. What connections say is not looked at here.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::Config;
use crate::core::Core;
use crate::handle::Handle;
use crate::http::{self, Connection};
use crate::{persist, usage};

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not allowed.
    #[error("could not listen on {address}")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state file is there but cannot be read.
    #[error("could not read the state file {path}")]
    StateFile {
        /// Where it is.
        path: std::path::PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
}

/// A running simulator. Dropping it stops it, as does [`Sim::stop`], which also waits until the
/// state file is written.
pub struct Sim {
    handle: Handle,
    address: SocketAddr,
    saver: Option<JoinHandle<()>>,
    _stop: DropGuard,
}

/// Starts a simulator. Must be called within a tokio runtime.
///
/// # Errors
/// When it cannot listen, or when the state file cannot be read.
pub async fn start(config: Config) -> Result<Sim, StartError> {
    let state = persist::load(&config).await?;
    let listen = |source| StartError::Listen {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let core = Arc::new(Core::new(config, state));
    let stop = core.shutdown.clone().drop_guard();
    let (present, wanted) = watch::channel(true);
    let (listening, actual) = watch::channel(true);
    usage::broadcast(&core);
    tokio::spawn(usage::keep_broadcasting(core.clone()));
    let path = core.config.state_file.clone();
    let saver = path.map(|path| tokio::spawn(persist::keep_saving(core.clone(), path)));
    tokio::spawn(accept_forever(core.clone(), listener, wanted, listening));
    let presence = Presence {
        wanted: present,
        actual,
    };
    Ok(Sim {
        handle: Handle::new(core, presence),
        address,
        saver,
        _stop: stop,
    })
}

impl Sim {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a client wants it: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The hold on what happens behind the API's back.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Stops it: connections close, tasks end where they stand, the state is written.
    pub async fn stop(self) {
        let Self {
            handle,
            saver,
            _stop: stop,
            ..
        } = self;
        drop(stop);
        if let Some(saver) = saver {
            // It fails only when it panicked, which it has then already reported.
            let _ = saver.await;
        }
        drop(handle);
    }
}

/// Whether the simulator is meant to be there, and whether it is.
pub(crate) struct Presence {
    pub(crate) wanted: watch::Sender<bool>,
    pub(crate) actual: watch::Receiver<bool>,
}

/// Accepts connections while the simulator is meant to be there. While it is away the listener and
/// all connections are closed, so that connecting is refused.
async fn accept_forever(
    core: Arc<Core>,
    mut listener: TcpListener,
    mut wanted: watch::Receiver<bool>,
    listening: watch::Sender<bool>,
) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    loop {
        let connections = core.shutdown.child_token();
        tokio::select! {
            () = core.shutdown.cancelled() => return,
            () = accept(&core, &listener, &connections) => return,
            gone = wanted.wait_for(|present| !*present) => if gone.is_err() { return },
        }
        drop(listener);
        connections.cancel();
        listening.send_replace(false);
        tokio::select! {
            () = core.shutdown.cancelled() => return,
            back = wanted.wait_for(|present| *present) => if back.is_err() { return },
        }
        let Some(again) = reopen(address).await else {
            return;
        };
        listener = again;
        listening.send_replace(true);
    }
}

/// Takes the port again; closed connections may hold it for a moment.
async fn reopen(address: SocketAddr) -> Option<TcpListener> {
    for _ in 0..200 {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
    tracing::error!(%address, "the simulator could not take its port again");
    None
}

async fn accept(core: &Arc<Core>, listener: &TcpListener, connections: &CancellationToken) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(core.clone(), stream, connections.child_token()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
    }
}

async fn serve(core: Arc<Core>, stream: TcpStream, closed: CancellationToken) {
    let service = http::service(core, Connection(closed.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::select! {
        () = closed.cancelled() => {}
        outcome = connection => if let Err(error) = outcome {
            tracing::debug!(%error, "a connection ended early");
        },
    }
}
