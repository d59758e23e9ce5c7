//! What a connection may take: one of a limited number of permits, and so long to begin or to read
//! what it is sent.

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

/// How HTTP/2 begins (RFC 9113, section 3.4). So many bytes are read to know which protocol it is,
/// before any timeout of HTTP applies.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How often a reached limit is logged: anyone can reach it as often as they like.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// How many connections may be open, in all and from one client that is no trusted proxy.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Limits>);

struct Limits {
    total: usize,
    per_client: usize,
    trusted: Vec<IpNet>,
    open: Mutex<Open>,
}

/// The open connections, by client.
#[derive(Default)]
struct Open {
    clients: HashMap<IpAddr, usize>,
    logged: Option<Instant>,
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

    /// A permit for one more connection, until it is dropped.
    fn acquire(&self, peer: IpAddr) -> Option<Permit> {
        let (client, limits) = (client(peer.to_canonical()), &self.0);
        let mut open = limits.open();
        let total: usize = open.clients.values().sum();
        let of_client = open.clients.get(&client).copied().unwrap_or_default();
        let is_trusted = is_trusted(peer.to_canonical(), &limits.trusted);
        if total >= limits.total || (of_client >= limits.per_client && !is_trusted) {
            let now = Instant::now();
            if open
                .logged
                .is_none_or(|at| now.duration_since(at) >= LOG_EVERY)
            {
                open.logged = Some(now);
                tracing::warn!(%peer, of_client, total, "connection refused: limit reached");
            }
            return None;
        }
        open.clients.insert(client, of_client + 1);
        let limits = Arc::clone(limits);
        Some(Permit { limits, client })
    }
}

impl Limits {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Addresses that one client can have at will count as one: a network of IPv6, and this machine.
fn client(address: IpAddr) -> IpAddr {
    match address {
        address if address.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// Lets one connection be open.
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

/// Accepts connections within the limits, and ends those that do not begin, or do not read, in time.
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
                seen: 0,
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

/// A connection, which fails when the client does not begin, or reads nothing, for too long.
pub(super) struct Connection<IO> {
    io: IO,
    /// Until the protocol is known.
    detection: Option<Detection>,
    timeout: Duration,
    /// The deadline of a write that waits for the client.
    stalled: Option<Pin<Box<Sleep>>>,
    _permit: Permit,
}

impl<IO> Connection<IO> {
    /// Fails a write that has waited for too long.
    fn unless_stalled<T>(
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

/// The first bytes, which distinguish HTTP/2 from HTTP/1.
struct Detection {
    /// How many bytes of the preface were read.
    seen: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Detection {
    /// Whether it is over with these bytes: when they are not the preface's, or its last ones, or
    /// there are none because the client has ended.
    fn is_over(&mut self, bytes: &[u8]) -> bool {
        let expected = PREFACE.get(self.seen..).unwrap_or_default();
        self.seen += bytes.len();
        bytes.is_empty() || self.seen >= PREFACE.len() || !expected.starts_with(bytes)
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
        if detection.is_over(buf.filled().get(before..).unwrap_or_default()) {
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
        this.unless_stalled(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.unless_stalled(cx, flushed)
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
    fn connections_are_limited_in_all_and_by_client() {
        let connections = Connections::new(3, 2, Vec::new());
        let acquire = |peer: &str| connections.acquire(peer.parse().unwrap());
        let one = acquire("192.0.2.1").unwrap();
        let _two = acquire("::ffff:192.0.2.1").unwrap();
        assert!(acquire("192.0.2.1").is_none(), "two are from there");
        let three = acquire("192.0.2.2").unwrap();
        assert!(acquire("192.0.2.3").is_none(), "three are open");
        drop((one, three));
        let _one = acquire("192.0.2.1").unwrap();
        assert!(acquire("192.0.2.1").is_none());
        assert!(acquire("192.0.2.2").is_some());
    }

    #[test]
    fn addresses_that_one_client_has_at_will_count_as_one() {
        for [one, other] in [
            ["2001:db8::1", "2001:db8::2:3:4:5"],
            ["127.0.0.1", "127.0.0.9"],
            ["127.0.0.1", "::1"],
        ] {
            let connections = Connections::new(9, 1, Vec::new());
            let _held = connections.acquire(one.parse().unwrap()).unwrap();
            assert!(connections.acquire(other.parse().unwrap()).is_none());
            assert!(
                connections
                    .acquire("2001:db8:1::1".parse().unwrap())
                    .is_some()
            );
        }
    }

    #[test]
    fn trusted_proxy_is_limited_by_the_total_alone() {
        let connections = Connections::new(3, 1, vec!["10.0.0.0/8".parse().unwrap()]);
        let acquire = |_| connections.acquire("10.0.0.1".parse().unwrap());
        let held: Vec<_> = (0..5).filter_map(acquire).collect();
        assert_eq!(held.len(), 3);
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
    async fn connection_that_does_not_begin_is_ended() {
        for bytes in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            let (mut connection, mut client) = connect().await;
            client.write_all(bytes).await.unwrap();
            let mut read = vec![0; bytes.len() + 1];
            let error = connection.read_exact(&mut read).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn connection_that_has_begun_is_left_to_http() {
        for bytes in [&b"G"[..], b"PRI /", PREFACE] {
            let (mut connection, mut client) = connect().await;
            client.write_all(bytes).await.unwrap();
            let mut read = vec![0; bytes.len()];
            connection.read_exact(&mut read).await.unwrap();
            assert_eq!(read, bytes);
            let more = tokio::time::timeout(Duration::from_millis(600), connection.read_u8());
            assert!(more.await.is_err(), "no deadline is left: {bytes:?}");
        }
    }

    #[tokio::test]
    async fn client_that_reads_nothing_is_ended() {
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
