//! The progress of a connection's requests. The bytes of an idle connection do not distinguish it
//! from a busy one, because an HTTP/2 client responds to pings without making requests, and a
//! client that opens no flow-control window keeps a response in memory.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::http::{Request, Response};
use futures::future::{BoxFuture, FutureExt as _, TryFutureExt as _};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use tower::Service;

use super::limits::ConnectionSlot;

/// The time of the last progress: a request began, or a part of a response was sent.
#[derive(Clone)]
pub(super) struct Progress {
    began: Instant,
    /// Milliseconds after `began`.
    last: Arc<AtomicU64>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            last: Arc::default(),
        }
    }
}

impl Progress {
    pub(super) fn record(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis, Ordering::Relaxed);
    }

    pub(super) fn last(&self) -> Instant {
        self.began + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }
}

/// The service of a connection, whose requests and responses are recorded as progress. Requests
/// have the slot of the connection as an extension.
#[derive(Clone)]
pub(super) struct ProgressService<S> {
    inner: S,
    progress: Progress,
    slot: Arc<ConnectionSlot>,
}

impl<S> ProgressService<S> {
    pub(super) fn new(inner: S, progress: Progress, slot: Arc<ConnectionSlot>) -> Self {
        Self {
            inner,
            progress,
            slot,
        }
    }
}

impl<S, R, B> Service<Request<R>> for ProgressService<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    B: 'static,
{
    type Response = Response<ProgressBody<B>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<R>) -> Self::Future {
        self.progress.record();
        request.extensions_mut().insert(Arc::clone(&self.slot));
        let progress = self.progress.clone();
        let response = self.inner.call(request);
        response
            .map_ok(|response| response.map(|inner| ProgressBody { inner, progress }))
            .boxed()
    }
}

/// The body of a response. The server polls it only while the client can receive more.
pub(super) struct ProgressBody<B> {
    inner: B,
    progress: Progress,
}

impl<B: Body + Unpin> Body for ProgressBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.inner).poll_frame(cx);
        if frame.is_ready() {
            this.progress.record();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, net::SocketAddr};

    use axum::{
        Router,
        body::Body,
        http::{Request, StatusCode},
    };
    use futures::stream;
    use http_body_util::BodyExt as _;
    use hyper::client::conn::http2;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::{net::TcpStream, task::JoinHandle, time::timeout};

    use crate::listener::tests::{IDLE, LONG, serve};

    type Sender = http2::SendRequest<Body>;

    /// An HTTP/2 connection, which responds to pings, and the task that ends with it.
    async fn connect(address: SocketAddr, window: u32) -> (Sender, JoinHandle<()>) {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(async {
            let _ = connection.await;
        });
        (sender, connection)
    }

    fn request() -> Request<Body> {
        Request::get("http://localhost/")
            .body(Body::empty())
            .unwrap()
    }

    #[tokio::test]
    async fn idle_http2_connection_is_closed_although_pings_are_answered() {
        let address = serve(Router::new().fallback(async || "page")).await;
        let (mut sender, connection) = connect(address, 65_535).await;
        tokio::time::sleep(IDLE / 2).await;
        let response = sender.send_request(request()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(
            timeout(IDLE * 3 / 4, sender.ready()).await.is_ok(),
            "the connection is open"
        );
        let closed = timeout(LONG, connection).await;
        assert!(closed.is_ok(), "the connection is still open");
    }

    #[tokio::test]
    async fn response_that_the_client_does_not_receive_is_dropped() {
        let address = serve(Router::new().fallback(async || vec![b'a'; 1 << 20])).await;
        let (mut sender, connection) = connect(address, 1).await;
        let response = sender.send_request(request()).await.unwrap();
        let closed = timeout(LONG, connection).await;
        assert!(closed.is_ok(), "the connection is still open");
        drop(response);
    }

    #[tokio::test]
    async fn slow_event_stream_stays_open() {
        let events = || async {
            let ticks = stream::unfold(0, async |n| {
                tokio::time::sleep(IDLE / 4).await;
                (n < 12).then(|| (Ok::<_, Infallible>("."), n + 1))
            });
            Body::from_stream(ticks)
        };
        let address = serve(Router::new().fallback(events)).await;
        let (mut sender, _connection) = connect(address, 65_535).await;
        let response = sender.send_request(request()).await.unwrap();
        let body = timeout(LONG, response.into_body().collect()).await;
        let body = body.unwrap().expect("the stream was closed");
        assert_eq!(body.to_bytes().len(), 12);
    }
}
