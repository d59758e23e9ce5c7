//! Latency of page bodies on persistent connections: over TLS no higher than without.

use std::{
    net::Ipv4Addr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    http::{Request, StatusCode, header},
};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    process::Program,
    tls::{FILES, write_certificate},
};

/// Without `TCP_NODELAY`, the body of a page over HTTP/2 waits until the client acknowledges the
/// head, which Linux delays for 40 ms. Half of that distinguishes the two cases.
const TOLERANCE: Duration = Duration::from_millis(20);
/// Connections alternate, so that a busy machine affects all of them.
const TURNS: usize = 4;
/// Requests without a pause: only then does Linux delay acknowledgments.
const REQUESTS: usize = 10;

/// The running program in a separate directory.
struct Server {
    _program: Program,
    url: String,
}

impl Server {
    fn start(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let program = Program::serve(folder, environment);
        let url = program.line_after("Holdfast is at ");
        Self {
            _program: program,
            url,
        }
    }

    async fn tcp(&self) -> TcpStream {
        let port: u16 = self.url.rsplit(':').next().unwrap().parse().unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        let stream = stream.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A TLS connection that offers only this protocol.
    async fn tls(&self, root: &CertificateDer<'static>, alpn: &str) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.into()];
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, self.tcp().await).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn.as_bytes()));
        stream
    }
}

enum Protocol {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

/// A persistent connection.
struct Connection {
    url: String,
    protocol: Protocol,
    /// From the head of each response to the end of its body: excludes the rendering time, which
    /// depends on the machine's load.
    times: Vec<Duration>,
}

impl Connection {
    fn new(server: &Server, protocol: Protocol) -> Self {
        Self {
            url: server.url.clone(),
            protocol,
            times: Vec::new(),
        }
    }

    async fn http1<T>(server: &Server, stream: T) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (http, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self::new(server, Protocol::Http1(http))
    }

    async fn http2(server: &Server, stream: TlsStream<TcpStream>) -> Self {
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (http, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        Self::new(server, Protocol::Http2(http))
    }

    /// Loads a page and records the duration of its body.
    async fn load(&mut self) {
        let host = self.url.split_once("://").unwrap().1;
        let request = Request::get(format!("{}/sign-in", self.url));
        let response = match &mut self.protocol {
            Protocol::Http1(http) => {
                let request = request.header(header::HOST, host).body(Empty::new());
                http.send_request(request.unwrap()).await
            }
            Protocol::Http2(http) => http.send_request(request.body(Empty::new()).unwrap()).await,
        };
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let begin = Instant::now();
        // Fails when the body is incomplete.
        response.into_body().collect().await.unwrap();
        self.times.push(begin.elapsed());
    }

    fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[times.len() / 2]
    }
}

#[tokio::test]
async fn tls_does_not_delay_page_bodies_on_persistent_connections() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    write_certificate(folders[1].path());
    let root = CertificateDer::from_pem_file(folders[1].path().join("cert.pem")).unwrap();
    let demo = ("HOLDFAST_DEMO", "false");
    let plain = Server::start(folders[0].path(), &[demo]);
    let tls = Server::start(folders[1].path(), &[FILES[0], FILES[1], demo]);
    let mut connections = [
        Connection::http1(&plain, plain.tcp().await).await,
        Connection::http1(&tls, tls.tls(&root, "http/1.1").await).await,
        Connection::http2(&tls, tls.tls(&root, "h2").await).await,
    ];
    for _ in 0..TURNS {
        for connection in &mut connections {
            for _ in 0..REQUESTS {
                connection.load().await;
            }
        }
    }
    let [plain, http1, http2] = connections.each_ref().map(Connection::median);
    let figures = format!("plain {plain:?}, TLS with HTTP/1.1 {http1:?}, with HTTP/2 {http2:?}");
    assert!(http1 < plain + TOLERANCE, "{figures}");
    assert!(http2 < plain + TOLERANCE, "{figures}");
}
