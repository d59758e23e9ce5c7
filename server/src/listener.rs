//! Listening sockets and connections of the web server, plain or TLS: connection limits, socket
//! options and timeouts. Must not inspect requests.

mod limits;

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

use crate::Failure;
use limits::{Acceptor, Connections};

/// Timeout for a client to start, to send a request's head and to read, and the interval of HTTP/2
/// pings.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);
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
) -> Result<(Vec<TcpListener>, SocketAddr), Failure> {
    let mut attempts = MAX_ATTEMPTS;
    loop {
        attempts -= 1;
        let first = listen(address)?;
        let bound = first.local_addr().map_err(Failure::System)?;
        let second = match other_loopback(bound).filter(|_| is_localhost) {
            Some(address) => listen(address),
            None => return Ok((vec![first], bound)),
        };
        match second {
            Ok(second) => return Ok((vec![first, second], bound)),
            Err(Failure::Listen { cause, .. }) if is_unsupported(&cause) => {
                return Ok((vec![first], bound));
            }
            // The next ephemeral port may be free on both addresses.
            Err(_) if address.port() == 0 && attempts > 0 => {}
            Err(failure) => return Err(failure),
        }
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|cause| Failure::Listen { address, cause })
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

/// Limits connections to half of the open file limit, and each client to a quarter of that. Raises
/// the open file limit as far as permitted: the usual soft limit of 1,024 exists for select(2).
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
    let server = axum_server::from_tcp(listener)?.handle(handle);
    match tls {
        Some(tls) => {
            let acceptor = with_limits(tls_acceptor(tls.clone()), connections);
            set_timeouts(server.acceptor(acceptor)).serve(service).await
        }
        None => {
            let acceptor = with_limits(tcp_acceptor(), connections);
            set_timeouts(server.acceptor(acceptor)).serve(service).await
        }
    }
}

fn with_limits<A>(inner: A, connections: &Connections) -> Acceptor<A> {
    Acceptor {
        inner,
        connections: connections.clone(),
        timeout: CLIENT_TIMEOUT,
    }
}

/// Sets `TCP_NODELAY` on each connection. A page is written in several segments; without it, all
/// but the first wait for the client's delayed acknowledgment, about 40 ms.
fn tcp_acceptor() -> NoDelayAcceptor {
    NoDelayAcceptor::new()
}

fn tls_acceptor(tls: RustlsConfig) -> RustlsAcceptor<NoDelayAcceptor> {
    RustlsAcceptor::new(tls).acceptor(tcp_acceptor())
}

/// Closes connections that never send a complete request, so that they do not exhaust the sockets.
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
    use test_servers::not_checked;
    use tokio::net::TcpStream;
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
        assert!(matches!(refused, Err(Failure::Listen { address, .. }) if address == occupied));
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
