//! Limits of connections: their number in total and per client, and timeouts for clients that do
//! not start or do not read.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum_server::accept::Accept;
use futures::future::BoxFuture;
use ipnet::IpNet;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use crate::client_addr::is_trusted;

/// The HTTP/2 preface (RFC 9113, section 3.4). The server reads it to detect the protocol, before
/// any HTTP timeout applies.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Minimum interval of log lines about a reached limit, because anyone can cause them.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Limits the open connections, in total and per client. Trusted proxies have no limit per client.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Limits>);

struct Limits {
    total: usize,
    per_client: usize,
    trusted: Vec<IpNet>,
    open: Mutex<OpenConnections>,
}

/// The open connections per client.
#[derive(Default)]
struct OpenConnections {
    clients: HashMap<IpAddr, usize>,
    last_logged: Option<Instant>,
}

impl Connections {
    pub(crate) fn new(total: usize, per_client: usize, trusted: Vec<IpNet>) -> Self {
        Self(Arc::new(Limits {
            total,
            per_client,
            trusted,
            open: Mutex::default(),
        }))
    }

    /// Acquires a permit for one connection; dropping the permit releases it.
    fn acquire(&self, peer: IpAddr) -> Option<Permit> {
        let (client, limits) = (client_key(peer.to_canonical()), &self.0);
        let mut open = limits.open();
        let total: usize = open.clients.values().sum();
        let client_connections = open.clients.get(&client).copied().unwrap_or_default();
        let is_trusted = is_trusted(peer.to_canonical(), &limits.trusted);
        if total >= limits.total || (client_connections >= limits.per_client && !is_trusted) {
            let now = Instant::now();
            if open
                .last_logged
                .is_none_or(|at| now.duration_since(at) >= LOG_INTERVAL)
            {
                open.last_logged = Some(now);
                tracing::warn!(%peer, client_connections, total, reason = "limit reached", "connection refused");
            }
            return None;
        }
        open.clients.insert(client, client_connections + 1);
        let limits = Arc::clone(limits);
        Some(Permit { limits, client })
    }
}

impl Limits {
    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Groups addresses that a single client controls: an IPv6 /64 network, and all loopback addresses.
fn client_key(address: IpAddr) -> IpAddr {
    match address {
        address if address.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// The permit for one open connection.
struct Permit {
    limits: Arc<Limits>,
    client: IpAddr,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        match open.clients.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.clients.remove(&self.client);
            }
        }
    }
}

/// Accepts connections within the limits, and closes those that do not start or read in time.
#[derive(Clone)]
pub(super) struct Acceptor<A> {
    pub(super) inner: A,
    pub(super) connections: Connections,
    pub(super) timeout: Duration,
}

impl<A, S> Accept<TcpStream, S> for Acceptor<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = Connection<A::Stream>;
    type Service = A::Service;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let peer = stream.peer_addr();
        let permit = peer.map(|peer| self.connections.acquire(peer.ip()));
        let (accepted, timeout) = (self.inner.accept(stream, service), self.timeout);
        Box::pin(async move {
            let permit = permit?.ok_or_else(|| io::Error::other("too many connections"))?;
            let (io, service) = accepted.await?;
            let detection = Some(Detection {
                matched: 0,
                deadline: Box::pin(sleep(timeout)),
            });
            let connection = Connection {
                io,
                detection,
                timeout,
                stalled: None,
                _permit: permit,
            };
            Ok((connection, service))
        })
    }
}

/// A connection that fails when the client does not start or does not read in time.
pub(super) struct Connection<IO> {
    io: IO,
    /// Set until the protocol is known.
    detection: Option<Detection>,
    timeout: Duration,
    /// The deadline of a blocked write.
    stalled: Option<Pin<Box<Sleep>>>,
    _permit: Permit,
}

impl<IO> Connection<IO> {
    /// Fails a write that was blocked for too long.
    fn check_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.timeout;
        let deadline = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        let late = deadline.as_mut().poll(cx);
        late.map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Detection of HTTP/2 by the first bytes.
struct Detection {
    /// Number of preface bytes that were read.
    matched: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Detection {
    /// Consumes bytes and returns whether the detection is finished: on a mismatch, at the end of
    /// the preface, or at the end of the stream.
    fn advance(&mut self, bytes: &[u8]) -> bool {
        let expected = PREFACE.get(self.matched..).unwrap_or_default();
        self.matched += bytes.len();
        bytes.is_empty() || self.matched >= PREFACE.len() || !expected.starts_with(bytes)
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Connection<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        let Some(detection) = &mut this.detection else {
            return read;
        };
        if read.is_pending() {
            let late = detection.deadline.as_mut().poll(cx);
            return late.map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        if detection.advance(buf.filled().get(before..).unwrap_or_default()) {
            this.detection = None;
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Connection<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, buf);
        this.check_stalled(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.check_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.check_stalled(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use axum_server::accept::DefaultAcceptor;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn connections_are_limited_in_total_and_per_client() {
        let connections = Connections::new(3, 2, Vec::new());
        let acquire = |peer: &str| connections.acquire(peer.parse().unwrap());
        let first = acquire("192.0.2.1").unwrap();
        let _second = acquire("::ffff:192.0.2.1").unwrap();
        assert!(
            acquire("192.0.2.1").is_none(),
            "the client has two connections"
        );
        let third = acquire("192.0.2.2").unwrap();
        assert!(acquire("192.0.2.3").is_none(), "three connections are open");
        drop((first, third));
        let _first = acquire("192.0.2.1").unwrap();
        assert!(acquire("192.0.2.1").is_none());
        assert!(acquire("192.0.2.2").is_some());
    }

    #[test]
    fn addresses_of_one_client_share_a_limit() {
        for [first, second] in [
            ["2001:db8::1", "2001:db8::2:3:4:5"],
            ["127.0.0.1", "127.0.0.9"],
            ["127.0.0.1", "::1"],
        ] {
            let connections = Connections::new(9, 1, Vec::new());
            let _permit = connections.acquire(first.parse().unwrap()).unwrap();
            assert!(connections.acquire(second.parse().unwrap()).is_none());
            assert!(
                connections
                    .acquire("2001:db8:1::1".parse().unwrap())
                    .is_some()
            );
        }
    }

    #[test]
    fn trusted_proxy_has_only_the_total_limit() {
        let connections = Connections::new(3, 1, vec!["10.0.0.0/8".parse().unwrap()]);
        let acquire = |_| connections.acquire("10.0.0.1".parse().unwrap());
        let permits: Vec<_> = (0..5).filter_map(acquire).collect();
        assert_eq!(permits.len(), 3);
    }

    /// An accepted connection with a short timeout, and its client.
    async fn connect() -> (Connection<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let client = client.await.unwrap();
        let acceptor = Acceptor {
            inner: DefaultAcceptor::new(),
            connections: Connections::new(1, 1, Vec::new()),
            timeout: Duration::from_millis(200),
        };
        let accepted = listener.accept().await.unwrap().0;
        (acceptor.accept(accepted, ()).await.unwrap().0, client)
    }

    #[tokio::test]
    async fn connection_without_request_times_out() {
        for bytes in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            let (mut connection, mut client) = connect().await;
            client.write_all(bytes).await.unwrap();
            let mut read = vec![0; bytes.len() + 1];
            let error = connection.read_exact(&mut read).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn detection_timeout_ends_after_first_bytes() {
        for bytes in [&b"G"[..], b"PRI /", PREFACE] {
            let (mut connection, mut client) = connect().await;
            client.write_all(bytes).await.unwrap();
            let mut read = vec![0; bytes.len()];
            connection.read_exact(&mut read).await.unwrap();
            assert_eq!(read, bytes);
            let more = tokio::time::timeout(Duration::from_millis(600), connection.read_u8());
            assert!(more.await.is_err(), "the deadline still applies: {bytes:?}");
        }
    }

    #[tokio::test]
    async fn client_that_does_not_read_times_out() {
        let (mut connection, _client) = connect().await;
        let block = vec![0; 1 << 20];
        let error = loop {
            if let Err(error) = connection.write_all(&block).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
