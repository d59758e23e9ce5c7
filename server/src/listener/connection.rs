//! Accepted connections, with timeouts for clients that do not start, do not read, or make no
//! request.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum_server::accept::Accept;
use futures::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use super::{
    limits::{ConnectionSlot, Connections},
    progress::{Progress, ProgressService},
};

/// The HTTP/2 preface (RFC 9113, section 3.4). The server reads it to detect the protocol, before
/// any HTTP timeout applies.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of an HTTP/2 ping in bytes (RFC 9113, section 6.7). Pings are no progress.
const PING_LENGTH: usize = 17;

/// The timeouts of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For the client to start, to send the head of a request, and to read.
    pub(super) client: Duration,
    /// For the TLS handshake.
    pub(super) handshake: Duration,
    /// Without progress of a request.
    pub(super) idle: Duration,
}

/// Accepts connections within the limits, and closes those that exceed a timeout.
#[derive(Clone)]
pub(super) struct Acceptor<A> {
    pub(super) inner: A,
    pub(super) connections: Connections,
    pub(super) timeouts: Timeouts,
}

impl<A, S> Accept<TcpStream, S> for Acceptor<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = Connection<A::Stream>;
    type Service = ProgressService<A::Service>;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let peer = stream.peer_addr();
        let slot = peer.map(|peer| self.connections.acquire(peer.ip()));
        let (accepted, timeouts) = (self.inner.accept(stream, service), self.timeouts);
        Box::pin(async move {
            let slot = slot?.ok_or_else(|| io::Error::other("too many connections"))?;
            let slot = Arc::new(slot);
            let (io, service) = accepted.await?;
            let detection = Some(Detection {
                matched: 0,
                deadline: Box::pin(sleep(timeouts.client)),
            });
            let progress = Progress::default();
            let service = ProgressService::new(service, progress.clone(), Arc::clone(&slot));
            let reserved = slot
                .is_reserved()
                .then(|| Box::pin(sleep(timeouts.handshake)));
            let connection = Connection {
                io,
                detection,
                timeouts,
                stalled: None,
                idle: Box::pin(sleep(timeouts.idle)),
                progress,
                reserved,
                slot,
            };
            Ok((connection, service))
        })
    }
}

/// A connection that fails when the client does not start or does not read in time, or when no
/// request makes progress for too long.
pub(super) struct Connection<IO> {
    io: IO,
    /// Set until the protocol is known.
    detection: Option<Detection>,
    timeouts: Timeouts,
    /// The deadline of a blocked write.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The deadline without progress.
    idle: Pin<Box<Sleep>>,
    progress: Progress,
    /// Until when an agent must authenticate itself on a connection over the limits.
    reserved: Option<Pin<Box<Sleep>>>,
    slot: Arc<ConnectionSlot>,
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
        let timeout = self.timeouts.client;
        let deadline = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        let late = deadline.as_mut().poll(cx);
        late.map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Fails a connection over the limits on which no agent authenticated itself in time.
    fn check_reserved(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(deadline) = &mut self.reserved else {
            return Ok(());
        };
        if deadline.as_mut().poll(cx).is_ready() {
            self.reserved = None;
            if self.slot.is_reserved() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    /// Fails a connection without progress.
    fn check_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.idle.as_mut().poll(cx));
            let deadline = self.progress.last() + self.timeouts.idle;
            if deadline <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.idle.as_mut().reset(deadline);
        }
    }

    /// Records the progress of a response.
    fn record_written(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(bytes)) if *bytes > PING_LENGTH) {
            self.progress.record();
        }
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
        this.check_reserved(cx)?;
        let before = buf.filled().len();
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        let Some(detection) = &mut this.detection else {
            return match read.is_pending() {
                true => this.check_idle(cx),
                false => read,
            };
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
        this.record_written(&written);
        this.check_stalled(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.record_written(&written);
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

    /// An accepted connection with a short timeout, and its client.
    async fn connect() -> (Connection<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let client = client.await.unwrap();
        let acceptor = Acceptor {
            inner: DefaultAcceptor::new(),
            connections: Connections::new(1, 1, Vec::new()),
            timeouts: Timeouts {
                client: Duration::from_millis(200),
                handshake: Duration::from_secs(10),
                idle: Duration::from_secs(10),
            },
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
