//! Listeners and connections. Requests are handled in [`request`].

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::serve::{Listener as _, ListenerExt as _, TapIo};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cluster::core::Core;
use crate::cluster::tls::Certificate;
use crate::http::redirect;
use crate::http::request::{self, Connection};

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

/// Binds an address and returns the listener with its actual address.
pub(crate) async fn listen(address: SocketAddr) -> std::io::Result<(NoDelayListener, SocketAddr)> {
    let listener = bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
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

/// Serves the API until the simulator stops.
pub(crate) fn spawn(core: Arc<Core>, listener: NoDelayListener) -> Presence {
    let (reachable, desired) = watch::channel(true);
    let (listening, actual) = watch::channel(true);
    tokio::spawn(accept_loop(core, listener, desired, listening));
    Presence {
        desired: reachable,
        actual,
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
