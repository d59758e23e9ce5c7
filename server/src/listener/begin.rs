//! How a connection begins: whether there is room for it, and how long it may say nothing.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
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

/// How many connections may be open, in all and from one address that is no trusted proxy's.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Limits>);

struct Limits {
    total: usize,
    per_peer: usize,
    trusted: Vec<IpNet>,
    open: Mutex<HashMap<IpAddr, usize>>,
}

impl Connections {
    pub(crate) fn new(total: usize, per_peer: usize, trusted: Vec<IpNet>) -> Self {
        Self(Arc::new(Limits {
            total,
            per_peer,
            trusted,
            open: Mutex::default(),
        }))
    }

    /// A place for one more connection, until it is dropped.
    fn place(&self, peer: IpAddr) -> Option<Place> {
        let (peer, limits) = (peer.to_canonical(), &self.0);
        let mut open = limits.open();
        let total: usize = open.values().sum();
        let of_peer = open.get(&peer).copied().unwrap_or_default();
        let has_room = of_peer < limits.per_peer || is_trusted(peer, &limits.trusted);
        if total >= limits.total || !has_room {
            return None;
        }
        open.insert(peer, of_peer + 1);
        let limits = Arc::clone(limits);
        Some(Place { limits, peer })
    }
}

impl Limits {
    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of an open connection.
struct Place {
    limits: Arc<Limits>,
    peer: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        match open.get_mut(&self.peer) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.remove(&self.peer);
            }
        }
    }
}

/// Accepts connections for which there is room, and ends those that do not begin in time.
#[derive(Clone)]
pub(super) struct Acceptor<A> {
    pub(super) inner: A,
    pub(super) connections: Connections,
    pub(super) begin_within: Duration,
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
        let place = peer.map(|peer| self.connections.place(peer.ip()));
        let (accepted, within) = (self.inner.accept(stream, service), self.begin_within);
        Box::pin(async move {
            let place = place?.ok_or_else(|| io::Error::other("too many connections"))?;
            let (io, service) = accepted.await?;
            let begin = Some(Begin {
                seen: 0,
                deadline: Box::pin(sleep(within)),
            });
            let connection = Connection {
                io,
                begin,
                _place: place,
            };
            Ok((connection, service))
        })
    }
}

/// A connection, which fails to be read when it does not begin in time.
pub(super) struct Connection<IO> {
    io: IO,
    begin: Option<Begin>,
    _place: Place,
}

/// A connection of which it is not known yet what it speaks.
struct Begin {
    /// How many bytes of the preface were read.
    seen: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Begin {
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
        let Some(begin) = &mut this.begin else {
            return read;
        };
        if read.is_pending() {
            let late = begin.deadline.as_mut().poll(cx);
            return late.map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        if begin.is_over(buf.filled().get(before..).unwrap_or_default()) {
            this.begin = None;
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
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
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
    fn connections_are_limited_in_all_and_by_address() {
        let connections = Connections::new(3, 2, vec!["10.0.0.0/8".parse().unwrap()]);
        let place = |peer: &str| connections.place(peer.parse().unwrap());
        let one = place("192.0.2.1").unwrap();
        let _two = place("::ffff:192.0.2.1").unwrap();
        assert!(place("192.0.2.1").is_none(), "two are from there");
        let three = place("192.0.2.2").unwrap();
        assert!(place("192.0.2.3").is_none(), "three are open");
        drop((one, three));
        let _one = place("192.0.2.1").unwrap();
        assert!(place("192.0.2.1").is_none());
        drop(place("192.0.2.2"));
        let proxy = Connections::new(9, 2, vec!["10.0.0.0/8".parse().unwrap()]);
        let of_proxy: Vec<_> = (0..9)
            .filter_map(|_| proxy.place("10.0.0.1".parse().unwrap()))
            .collect();
        assert_eq!(of_proxy.len(), 9);
    }

    /// What is read from a connection on which these bytes were sent.
    async fn read(bytes: &'static [u8]) -> io::Result<Vec<u8>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(bytes).await.unwrap();
        let acceptor = Acceptor {
            inner: DefaultAcceptor::new(),
            connections: Connections::new(1, 1, Vec::new()),
            begin_within: Duration::from_millis(200),
        };
        let accepted = listener.accept().await.unwrap().0;
        let (mut connection, ()) = acceptor.accept(accepted, ()).await.unwrap();
        let mut read = vec![0; bytes.len() + 1];
        let end = tokio::time::timeout(Duration::from_secs(1), connection.read_exact(&mut read));
        match end.await {
            Ok(result) => result.map(|_| read),
            // It waits for more without a deadline.
            Err(_) => Ok(bytes.to_vec()),
        }
    }

    #[tokio::test]
    async fn connection_that_does_not_begin_is_ended() {
        for bytes in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            let error = read(bytes).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn connection_that_has_begun_is_left_to_http() {
        for bytes in [&b"G"[..], b"PRI /", PREFACE] {
            assert_eq!(read(bytes).await.unwrap(), bytes);
        }
    }
}
