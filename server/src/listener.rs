//! The connections of the web server, plain or over TLS: where they are accepted, how many, their
//! socket options and timeouts. It does not look at requests.

mod begin;

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
use begin::{Acceptor, Connections};

/// How long a client may take to begin, to send a request's head and to read, and the time between two
/// of our pings.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);
/// The most connections, where the system lets the process open enough files.
const MOST_CONNECTIONS: usize = 4096;
/// The most files to be able to open.
const MOST_FILES: u64 = 16_384;
/// How many free ports are tried until one is free on both loopback addresses.
const TRIES: usize = 16;

/// Listens on an address. Where people come by `localhost`, on both addresses of that name: browsers try
/// `::1` first, and another user of the machine who listened there would be sent passwords.
///
/// # Errors
/// When an address is in use or may not be used. A machine without the other family is fine.
pub(crate) fn bind(
    address: SocketAddr,
    is_localhost: bool,
) -> Result<(Vec<TcpListener>, SocketAddr), Failure> {
    let mut tries = TRIES;
    loop {
        tries -= 1;
        let first = listen(address)?;
        let bound = first.local_addr().map_err(Failure::System)?;
        let second = match other_loopback(bound).filter(|_| is_localhost) {
            Some(other) => listen(other),
            None => return Ok((vec![first], bound)),
        };
        match second {
            Ok(second) => return Ok((vec![first, second], bound)),
            Err(Failure::Listen { cause, .. }) if is_unsupported(&cause) => {
                return Ok((vec![first], bound));
            }
            // The next free port may be free on both.
            Err(_) if address.port() == 0 && tries > 0 => {}
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

/// Whether the machine has no such address.
fn is_unsupported(cause: &io::Error) -> bool {
    cause.kind() == ErrorKind::AddrNotAvailable
        || Errno::from_io_error(cause) == Some(Errno::AFNOSUPPORT)
}

/// As many connections as leave half of the files that the process may open to everything else, a
/// quarter of them to one client. The process takes as many files as the system lets it have: the usual
/// limit of 1,024 is for programs that use select(2).
pub(crate) fn connections(trusted_proxies: Vec<IpNet>) -> Connections {
    let mut files = getrlimit(Resource::Nofile);
    let most = files.maximum.unwrap_or(MOST_FILES).min(MOST_FILES);
    if files.current.is_some_and(|current| current < most) {
        files.current = Some(most);
        if let Err(error) = setrlimit(Resource::Nofile, files) {
            tracing::warn!(%error, "limit of open files not raised");
        }
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(MOST_FILES);
    let half = usize::try_from(files / 2).unwrap_or(MOST_CONNECTIONS);
    let total = half.min(MOST_CONNECTIONS);
    Connections::new(total, total / 4, trusted_proxies)
}

/// Accepts connections and serves them until `handle` is shut down.
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
            let acceptor = limited(tls_acceptor(tls.clone()), connections);
            set_timeouts(server.acceptor(acceptor)).serve(service).await
        }
        None => {
            let acceptor = limited(tcp_acceptor(), connections);
            set_timeouts(server.acceptor(acceptor)).serve(service).await
        }
    }
}

fn limited<A>(inner: A, connections: &Connections) -> Acceptor<A> {
    Acceptor {
        inner,
        connections: connections.clone(),
        timeout: CLIENT_TIMEOUT,
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
    use test_servers::not_checked;
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;

    use super::*;

    const BOTH: &str = "both loopback addresses";
    const NO_IPV6: &str = "this machine has no ::1";

    /// The two ends of a new connection: accepted, and connecting.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, connecting) = tokio::join!(listener.accept(), TcpStream::connect(address));
        let (accepted, connecting) = (accepted.unwrap().0, connecting.unwrap());
        assert!(!accepted.nodelay().unwrap(), "the system's default is off");
        (accepted, connecting)
    }

    #[test]
    fn localhost_is_held_in_both_families() {
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
        let (one, _) = bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
        assert_eq!(one.len(), 1, "people come by another name");
    }

    #[test]
    fn another_program_that_holds_localhost_is_noticed() {
        let Ok(theirs) = TcpListener::bind("[::1]:0") else {
            return not_checked(BOTH, NO_IPV6);
        };
        let theirs = theirs.local_addr().unwrap();
        let ours = SocketAddr::from((Ipv4Addr::LOCALHOST, theirs.port()));
        let refused = bind(ours, true);
        assert!(matches!(refused, Err(Failure::Listen { address, .. }) if address == theirs));
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
