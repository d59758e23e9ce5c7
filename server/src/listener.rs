//! Listening sockets and connections of the web server, plain or TLS: connection limits, socket
//! options and timeouts. Must not inspect requests.

mod connection;
mod limits;
mod progress;

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

use axum::{Router, extract::connect_info::IntoMakeServiceWithConnectInfo};
use axum_server::{
    Handle, Server,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::rt::TokioTimer;
use ipnet::IpNet;
use rustix::{
    io::Errno,
    process::{Resource, getrlimit, setrlimit},
};

use crate::ExitError;
use connection::{Acceptor, Timeouts};
pub(crate) use limits::ConnectionSlot;
use limits::Connections;

/// The timeouts of connections. Event streams send a line every 15 seconds, and responses to agents
/// begin within 30 seconds.
const TIMEOUTS: Timeouts = Timeouts {
    client: Duration::from_secs(30),
    handshake: Duration::from_secs(10),
    idle: Duration::from_secs(120),
};
/// Maximum number of connections, if the open file limit allows it.
const MAX_CONNECTIONS: usize = 4096;
/// Upper bound for the raised open file limit.
const MAX_OPEN_FILES: u64 = 16_384;
/// Attempts to find a port that is free on both loopback addresses.
const MAX_ATTEMPTS: usize = 16;

/// Binds an address. If users connect to `localhost`, binds both loopback addresses: browsers try
/// `::1` first, and another local user who listened there would receive passwords.
///
/// # Errors
/// When an address is in use or not permitted. A missing address family is no error.
pub(crate) fn bind(
    address: SocketAddr,
    is_localhost: bool,
) -> Result<(Vec<TcpListener>, SocketAddr), ExitError> {
    let mut attempts = MAX_ATTEMPTS;
    loop {
        attempts -= 1;
        let first = listen(address)?;
        let bound = first.local_addr().map_err(ExitError::System)?;
        let second = match other_loopback(bound).filter(|_| is_localhost) {
            Some(address) => listen(address),
            None => return Ok((vec![first], bound)),
        };
        match second {
            Ok(second) => return Ok((vec![first, second], bound)),
            Err(ExitError::Listen { cause, .. }) if is_unsupported(&cause) => {
                return Ok((vec![first], bound));
            }
            // The next ephemeral port may be free on both addresses.
            Err(_) if address.port() == 0 && attempts > 0 => {}
            Err(failure) => return Err(failure),
        }
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, ExitError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|cause| ExitError::Listen { address, cause })
}

fn other_loopback(address: SocketAddr) -> Option<SocketAddr> {
    let other: IpAddr = match address.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST | Ipv4Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Ipv4Addr::LOCALHOST.into(),
        _ => return None,
    };
    Some(SocketAddr::new(other, address.port()))
}

/// Whether this host does not support the address family.
fn is_unsupported(cause: &io::Error) -> bool {
    cause.kind() == ErrorKind::AddrNotAvailable
        || Errno::from_io_error(cause) == Some(Errno::AFNOSUPPORT)
}

/// Limits connections to half of the open file limit, each client to a quarter of that, and each
/// network to a half. Raises the open file limit as far as permitted: the usual soft limit of 1,024
/// exists for select(2).
pub(crate) fn connections(trusted_proxies: Vec<IpNet>) -> Connections {
    let mut files = getrlimit(Resource::Nofile);
    let target = files.maximum.unwrap_or(MAX_OPEN_FILES).min(MAX_OPEN_FILES);
    if files.current.is_some_and(|current| current < target) {
        files.current = Some(target);
        if let Err(error) = setrlimit(Resource::Nofile, files) {
            tracing::warn!(%error, "open file limit increase failed");
        }
    }
    let files = getrlimit(Resource::Nofile)
        .current
        .unwrap_or(MAX_OPEN_FILES);
    let half = usize::try_from(files / 2).unwrap_or(MAX_CONNECTIONS);
    let total = half.min(MAX_CONNECTIONS);
    Connections::new(total, total / 4, trusted_proxies)
}

/// Accepts and serves connections until `handle` shuts down.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: &Option<RustlsConfig>,
    connections: &Connections,
    handle: Handle<SocketAddr>,
    service: IntoMakeServiceWithConnectInfo<Router, SocketAddr>,
) -> io::Result<()> {
    serve_with(TIMEOUTS, listener, tls, connections, handle, service).await
}

async fn serve_with(
    timeouts: Timeouts,
    listener: TcpListener,
    tls: &Option<RustlsConfig>,
    connections: &Connections,
    handle: Handle<SocketAddr>,
    service: IntoMakeServiceWithConnectInfo<Router, SocketAddr>,
) -> io::Result<()> {
    let server = axum_server::from_tcp(listener)?.handle(handle);
    let connections = connections.clone();
    match tls {
        Some(tls) => {
            let acceptor = Acceptor {
                inner: tls_acceptor(tls.clone(), timeouts.handshake),
                connections,
                timeouts,
            };
            let server = set_timeouts(server.acceptor(acceptor), timeouts.client);
            server.serve(service).await
        }
        None => {
            let acceptor = Acceptor {
                inner: tcp_acceptor(),
                connections,
                timeouts,
            };
            let server = set_timeouts(server.acceptor(acceptor), timeouts.client);
            server.serve(service).await
        }
    }
}

/// Sets `TCP_NODELAY` on each connection. A page is written in several segments; without it, all
/// but the first wait for the client's delayed acknowledgment, about 40 ms.
fn tcp_acceptor() -> NoDelayAcceptor {
    NoDelayAcceptor::new()
}

fn tls_acceptor(tls: RustlsConfig, handshake: Duration) -> RustlsAcceptor<NoDelayAcceptor> {
    RustlsAcceptor::new(tls)
        .handshake_timeout(handshake)
        .acceptor(tcp_acceptor())
}

/// Closes HTTP/1 connections that never send a complete request, so that they do not exhaust the
/// sockets, and HTTP/2 connections of clients that are gone.
fn set_timeouts<A>(mut server: Server<SocketAddr, A>, timeout: Duration) -> Server<SocketAddr, A> {
    let http = server.http_builder();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(timeout);
    server
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{Router, body::Body};
    use axum_server::accept::Accept as _;
    use rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName},
    };
    use test_servers::not_checked;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
        time::timeout,
    };
    use tokio_rustls::TlsConnector;

    use super::*;

    const BOTH: &str = "both loopback addresses";
    const NO_IPV6: &str = "this host has no ::1";

    /// A new connection: the accepted and the connecting end.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, connecting) = tokio::join!(listener.accept(), TcpStream::connect(address));
        let (accepted, connecting) = (accepted.unwrap().0, connecting.unwrap());
        assert!(!accepted.nodelay().unwrap(), "the system's default is off");
        (accepted, connecting)
    }

    /// The idle timeout in tests; the others are a third of it.
    pub(super) const IDLE: Duration = Duration::from_millis(900);
    /// Upper bound for every wait.
    pub(super) const LONG: Duration = Duration::from_secs(20);

    /// Serves with short timeouts, and returns the address.
    pub(super) async fn serve(router: Router) -> SocketAddr {
        start(router, None, Connections::new(9, 9, Vec::new()))
    }

    fn start(router: Router, tls: Option<RustlsConfig>, connections: Connections) -> SocketAddr {
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let timeouts = Timeouts {
            client: IDLE / 3,
            handshake: IDLE / 3,
            idle: IDLE,
        };
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move {
            let handle = Handle::new();
            serve_with(timeouts, listener, &tls, &connections, handle, service).await
        });
        address
    }

    /// Sends bytes on a new connection and reads until the server closes it.
    async fn exchange(address: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(bytes).await.unwrap();
        let mut received = Vec::new();
        // The server may reset the connection.
        let closed = timeout(LONG, client.read_to_end(&mut received)).await;
        closed.is_ok().then_some(received)
    }

    #[tokio::test]
    async fn incomplete_head_of_a_request_times_out() {
        let address = serve(Router::new().fallback(async || "page")).await;
        let received = exchange(address, b"GET / HTTP/1.1\r\nhost: localhost\r\n").await;
        let received = received.expect("the connection is still open");
        assert!(!received.starts_with(b"HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn idle_http1_connection_is_closed() {
        let address = serve(Router::new().fallback(async || "page")).await;
        let received = exchange(address, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        let received = received.expect("the connection is still open");
        assert!(received.starts_with(b"HTTP/1.1 200") && received.ends_with(b"page"));
    }

    #[tokio::test]
    async fn slow_response_is_no_idle_connection() {
        let page = async || {
            tokio::time::sleep(IDLE * 2 / 3).await;
            Body::from("page")
        };
        let address = serve(Router::new().fallback(page)).await;
        let received = exchange(address, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert!(received.unwrap().ends_with(b"page"));
    }

    #[tokio::test]
    async fn tls_handshake_times_out() {
        let tls = self_signed().await.0;
        let address = start(Router::new(), Some(tls), Connections::new(9, 9, Vec::new()));
        for bytes in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
            let received = exchange(address, bytes).await;
            assert!(received.is_some(), "the connection is still open");
        }
    }

    #[tokio::test]
    async fn connections_over_the_limit_of_a_client_are_closed() {
        let router = Router::new().fallback(async || "page");
        let address = start(router, None, Connections::new(9, 2, Vec::new()));
        let mut open = TcpStream::connect(address).await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        let mut third = TcpStream::connect(address).await.unwrap();
        let closed = timeout(IDLE / 6, third.read_u8()).await;
        assert!(closed.is_ok_and(|read| read.is_err()), "the third is open");
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        open.write_all(request).await.unwrap();
        let mut received = Vec::new();
        open.read_to_end(&mut received).await.unwrap();
        assert!(received.ends_with(b"page"));
    }

    #[test]
    fn localhost_is_bound_in_both_address_families() {
        if TcpListener::bind("[::1]:0").is_err() {
            return not_checked(BOTH, NO_IPV6);
        }
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let (listeners, bound) = bind(address.parse().unwrap(), true).unwrap();
            let addresses = listeners
                .iter()
                .map(|listener| listener.local_addr().unwrap());
            let addresses: Vec<_> = addresses.collect();
            assert_eq!(addresses, [bound, other_loopback(bound).unwrap()]);
        }
        let (listeners, _) = bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
        assert_eq!(listeners.len(), 1, "the public URL is not localhost");
    }

    #[test]
    fn port_in_use_on_other_loopback_address_is_an_error() {
        let Ok(occupied) = TcpListener::bind("[::1]:0") else {
            return not_checked(BOTH, NO_IPV6);
        };
        let occupied = occupied.local_addr().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, occupied.port()));
        let refused = bind(address, true);
        assert!(matches!(refused, Err(ExitError::Listen { address, .. }) if address == occupied));
    }

    #[tokio::test]
    async fn plain_connections_have_nodelay_set() {
        let (accepted, _connecting) = connection().await;
        let (stream, ()) = tcp_acceptor().accept(accepted, ()).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }

    /// The TLS configuration of a server, and its certificate.
    async fn self_signed() -> (RustlsConfig, CertificateDer<'static>) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let server = RustlsConfig::from_pem(chain.into(), key.into());
        (server.await.unwrap(), own.cert.der().clone())
    }

    #[tokio::test]
    async fn tls_connections_have_nodelay_set() {
        let (server, certificate) = self_signed().await;
        let acceptor = tls_acceptor(server, TIMEOUTS.handshake);
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
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
