//! The connections of the web server, plain or over TLS: their socket options and timeouts. It does
//! not look at requests.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use axum::{Router, extract::connect_info::IntoMakeServiceWithConnectInfo};
use axum_server::{
    Handle, Server,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::rt::TokioTimer;

/// How long a client may take to send a request's head, or to answer a ping.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Accepts connections and serves them until `handle` is shut down.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
    service: IntoMakeServiceWithConnectInfo<Router, SocketAddr>,
) -> io::Result<()> {
    let server = axum_server::from_tcp(listener)?.handle(handle);
    match tls {
        Some(tls) => {
            let server = set_timeouts(server.acceptor(tls_acceptor(tls)));
            server.serve(service).await
        }
        None => {
            let server = set_timeouts(server.acceptor(tcp_acceptor()));
            server.serve(service).await
        }
    }
}

/// Sets `TCP_NODELAY` on each connection. A page is written in several parts, and without it all
/// but the first wait for the client's delayed acknowledgment, about 40 ms.
fn tcp_acceptor() -> NoDelayAcceptor {
    NoDelayAcceptor::new()
}

fn tls_acceptor(tls: RustlsConfig) -> RustlsAcceptor<NoDelayAcceptor> {
    RustlsAcceptor::new(tls).acceptor(tcp_acceptor())
}

/// Ends connections that never send a whole request, so that they do not use up the sockets.
fn set_timeouts<A>(mut server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let http = server.http_builder();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(CLIENT_TIMEOUT);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(CLIENT_TIMEOUT);
    server
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum_server::accept::Accept as _;
    use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;

    use super::*;

    /// The two ends of a new connection: accepted, and connecting.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, connecting) = tokio::join!(listener.accept(), TcpStream::connect(address));
        let (accepted, connecting) = (accepted.unwrap().0, connecting.unwrap());
        assert!(!accepted.nodelay().unwrap(), "the system's default is off");
        (accepted, connecting)
    }

    #[tokio::test]
    async fn plain_connections_have_nodelay_set() {
        let (accepted, _connecting) = connection().await;
        let (stream, ()) = tcp_acceptor().accept(accepted, ()).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn tls_connections_have_nodelay_set() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let server = RustlsConfig::from_pem(chain.into(), key.into());
        let acceptor = tls_acceptor(server.await.unwrap());
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let client = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(client));

        let (accepted, connecting) = connection().await;
        let name = ServerName::try_from("localhost").unwrap();
        let (accepted, connected) = tokio::join!(
            acceptor.accept(accepted, ()),
            connector.connect(name, connecting)
        );
        connected.unwrap();
        let (stream, ()) = accepted.unwrap();
        assert!(stream.get_ref().0.nodelay().unwrap());
    }
}
