//! A program in a container: it says what it was asked, and does what a path tells it to.

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

/// What a program says of a request: method, address and headers, one to a line.
fn said(request: &Request) -> String {
    let mut lines = vec![format!("{} {}", request.method(), request.uri())];
    for (name, value) in request.headers() {
        lines.push(format!("{name}: {}", value.to_str().unwrap()));
    }
    lines.join("\n") + "\n"
}

fn router() -> Router {
    Router::new()
        .route("/status/{code}", any(status))
        .route("/slow", get(slow))
        .route("/stream", get(first_of_many))
        .fallback(async |request: Request| said(&request))
}

async fn status(axum::extract::Path(code): axum::extract::Path<u16>) -> Response {
    let status = StatusCode::from_u16(code).unwrap();
    (status, "the program's own words\n").into_response()
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(3600)).await;
    "at last"
}

/// Sends a first piece, and nothing after it.
async fn first_of_many() -> Body {
    let first = tokio_stream::once(Ok::<_, std::io::Error>(Bytes::from_static(b"first\n")));
    Body::from_stream(tokio_stream::StreamExt::chain(
        first,
        tokio_stream::pending(),
    ))
}

/// Serves a router on a port of this host for as long as the test lasts.
pub fn serve(port: u16, router: Router) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    listener.set_nonblocking(true).unwrap();
    background(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, router).await.unwrap();
    });
}

/// A program that speaks HTTP.
pub fn start(port: u16) {
    serve(port, router());
}

/// A program that speaks HTTPS, with this certificate and key.
pub fn start_tls(port: u16, certificate: String, key: String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    listener.set_nonblocking(true).unwrap();
    background(async move {
        let (certificate, key) = (certificate.into_bytes(), key.into_bytes());
        let config = axum_server::tls_rustls::RustlsConfig::from_pem(certificate, key)
            .await
            .unwrap();
        let server = axum_server::from_tcp_rustls(listener, config).unwrap();
        server.serve(router().into_make_service()).await.unwrap();
    });
}

/// An oauth2-proxy as far as nginx sees it: whoever has the cookie `who=NAME` is NAME, but for
/// `mallory`, who may do nothing. It counts how often it is asked.
pub fn start_sign_in(port: u16) -> Arc<std::sync::atomic::AtomicUsize> {
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let router = Router::new()
        .route(
            "/oauth2/auth",
            get(async move |headers: HeaderMap| {
                counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                known(&headers)
            }),
        )
        .fallback(async |request: Request| (StatusCode::FORBIDDEN, said(&request)));
    serve(port, router);
    asked
}

fn known(headers: &HeaderMap) -> Response {
    let cookie = headers.get("cookie").map(|value| value.to_str().unwrap());
    match cookie.and_then(|cookie| cookie.strip_prefix("who=")) {
        None => StatusCode::UNAUTHORIZED.into_response(),
        Some("mallory") => StatusCode::FORBIDDEN.into_response(),
        Some(name) => {
            let user = [
                ("x-auth-request-user", name),
                ("x-auth-request-groups", "staff"),
            ];
            (StatusCode::ACCEPTED, user).into_response()
        }
    }
}

/// A TCP program that says back what comes, after what came first.
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

/// A UDP program that says back what comes.
pub fn start_udp(port: u16) {
    let socket = std::net::UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
    std::thread::spawn(move || {
        let mut bytes = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            socket.send_to(&bytes[..length], from).unwrap();
        }
    });
}

fn background(work: impl Future<Output = ()> + Send + 'static) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(work);
    });
}
