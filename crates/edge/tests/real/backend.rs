//! Backends for tests: they return the request that they received, or behave as its path says.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, get},
};

/// Describes a request: method, URI and headers, one per line. The body is read first: closing the
/// connection with unread data resets it, and nginx then answers 502.
async fn describe(request: Request) -> String {
    let (request, body) = request.into_parts();
    axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut lines = vec![format!("{} {}", request.method, request.uri)];
    for (name, value) in &request.headers {
        lines.push(format!("{name}: {}", value.to_str().unwrap()));
    }
    lines.join("\n") + "\n"
}

fn router() -> Router {
    Router::new()
        .route("/status/{code}", any(status))
        .route("/slow", get(slow))
        .route("/stream", get(endless_stream))
        .route(
            "/accel",
            get(async || [("x-accel-redirect", "/oauth2/auth")]),
        )
        .fallback(describe)
}

async fn status(axum::extract::Path(code): axum::extract::Path<u16>) -> Response {
    let status = StatusCode::from_u16(code).unwrap();
    (status, "response of the backend\n").into_response()
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(3600)).await;
    "too late"
}

/// Sends a first chunk, then nothing, without closing the response.
async fn endless_stream() -> Body {
    let first = tokio_stream::once(Ok::<_, std::io::Error>(Bytes::from_static(b"first\n")));
    Body::from_stream(tokio_stream::StreamExt::chain(
        first,
        tokio_stream::pending(),
    ))
}

/// Serves a router on a port of this host until the test ends.
pub fn serve(port: u16, router: Router) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    listener.set_nonblocking(true).unwrap();
    spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, router).await.unwrap();
    });
}

/// Starts an HTTP backend.
pub fn start(port: u16) {
    serve(port, router());
}

/// Starts an HTTPS backend with this certificate and key.
pub fn start_tls(port: u16, certificate: String, key: String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    listener.set_nonblocking(true).unwrap();
    spawn(async move {
        let (certificate, key) = (certificate.into_bytes(), key.into_bytes());
        let config = axum_server::tls_rustls::RustlsConfig::from_pem(certificate, key)
            .await
            .unwrap();
        let server = axum_server::from_tcp_rustls(listener, config).unwrap();
        server.serve(router().into_make_service()).await.unwrap();
    });
}

/// Starts a fake oauth2-proxy. As there, the session is in a cookie `_oauth2_proxy`, which is split
/// into `_oauth2_proxy_0` and so on if it is large. Here its value is the name of the user;
/// `mallory` is denied access. Returns the number of authentication requests.
pub fn start_sign_in(port: u16) -> Arc<std::sync::atomic::AtomicUsize> {
    let requests = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let router = Router::new()
        .route(
            "/oauth2/auth",
            get(async move |headers: HeaderMap| {
                counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                authenticate(&headers)
            }),
        )
        // oauth2-proxy adds the user's headers to the responses of its upstream, too.
        .fallback(async |request: Request| {
            let user = [
                ("x-auth-request-access-token", "secret-token"),
                ("authorization", "Bearer secret-token"),
            ];
            (StatusCode::FORBIDDEN, user, describe(request).await)
        });
    serve(port, router);
    requests
}

fn authenticate(headers: &HeaderMap) -> Response {
    let cookie = headers.get("cookie").map(|value| value.to_str().unwrap());
    let session = |cookie: &str| {
        let mut parts = cookie.split("; ").filter_map(|part| part.split_once('='));
        let mut session = parts
            .clone()
            .filter(|(name, _)| name.starts_with("_oauth2_proxy_"));
        let whole = parts.find(|(name, _)| *name == "_oauth2_proxy");
        let value = whole.or_else(|| session.next())?.1;
        Some(value.to_owned())
    };
    match cookie.and_then(session).as_deref() {
        None => StatusCode::UNAUTHORIZED.into_response(),
        Some("mallory") => StatusCode::FORBIDDEN.into_response(),
        Some(name) => {
            let user = [
                ("x-auth-request-user", name),
                ("x-auth-request-groups", "staff"),
                ("x-auth-request-access-token", "secret-token"),
            ];
            (StatusCode::ACCEPTED, user).into_response()
        }
    }
}

/// Starts a TCP echo server.
pub fn start_tcp(port: u16) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut from, mut to) = {
                let stream = stream.unwrap();
                (stream.try_clone().unwrap(), stream)
            };
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        }
    });
}

/// Starts a UDP echo server.
pub fn start_udp(port: u16) {
    let socket = std::net::UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
    std::thread::spawn(move || {
        let mut bytes = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            socket.send_to(&bytes[..length], from).unwrap();
        }
    });
}

/// Runs a future on a thread with its own runtime.
fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(future);
    });
}
