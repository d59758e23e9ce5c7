//! Test servers of a container, selected by its template or image: HTTP servers that return the
//! request, and TCP and UDP echo servers.

use axum::{
    Router,
    extract::{Request, State},
    serve::ListenerExt as _,
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{copy, split},
    net::{TcpListener, TcpStream, UdpSocket},
};

/// A test server with its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerKind {
    /// Returns a text page with the container's name and the request's headers.
    Http(u16),
    /// Echoes data on the same connection.
    Tcp(u16),
    /// Echoes each datagram to its sender.
    Udp(u16),
}

/// Returns the servers for a template or image. The variable `SERVES` of the environment, such as
/// `http:80 tcp:7 udp:7`, takes precedence.
pub fn servers_for(template_or_image: &str, environment: &str) -> Vec<ServerKind> {
    let configured = environment
        .split('\0')
        .find_map(|pair| pair.strip_prefix("SERVES="));
    if let Some(configured) = configured {
        return configured
            .split_ascii_whitespace()
            .filter_map(parse)
            .collect();
    }
    let name = template_or_image
        .rsplit('/')
        .next()
        .unwrap_or(template_or_image);
    let name = name.split([':', '-']).next().unwrap_or(name);
    match name {
        "nginx" => vec![ServerKind::Http(80)],
        "postgres" => vec![ServerKind::Tcp(5432)],
        "redis" => vec![ServerKind::Tcp(6379)],
        "node" => vec![ServerKind::Http(3000)],
        "python" => vec![ServerKind::Http(8000)],
        "app" => vec![ServerKind::Http(8080)],
        // A system template, on which users install their own servers.
        _ => vec![
            ServerKind::Http(80),
            ServerKind::Http(8080),
            ServerKind::Tcp(7),
            ServerKind::Udp(7),
        ],
    }
}

fn parse(text: &str) -> Option<ServerKind> {
    let (kind, port) = text.split_once(':')?;
    let port = port.parse().ok()?;
    match kind {
        "http" => Some(ServerKind::Http(port)),
        "tcp" => Some(ServerKind::Tcp(port)),
        "udp" => Some(ServerKind::Udp(port)),
        _ => None,
    }
}

/// Runs a server until the process ends.
///
/// # Errors
/// If the port is in use.
pub async fn run(name: String, server: ServerKind) -> std::io::Result<()> {
    match server {
        ServerKind::Http(port) => run_http(name, port).await,
        ServerKind::Tcp(port) => run_tcp(port).await,
        ServerKind::Udp(port) => run_udp(port).await,
    }
}

async fn run_http(name: String, port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    let listener = listener.tap_io(|stream| set_nodelay(stream));
    let app = Router::new()
        .fallback(page)
        .with_state(format!("{name}:{port}"));
    axum::serve(listener, app).await
}

async fn page(State(server): State<String>, request: Request) -> String {
    let mut text = format!("{server} {} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!(
            "{name}: {}\n",
            String::from_utf8_lossy(value.as_bytes())
        ));
    }
    text
}

async fn run_tcp(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        set_nodelay(&stream);
        tokio::spawn(async move {
            let (mut from, mut to) = split(stream);
            // A broken connection needs no handling.
            let _ = copy(&mut from, &mut to).await;
        });
    }
}

/// Sends small responses at once. A failure only makes the connection slower.
fn set_nodelay(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
}

async fn run_udp(port: u16) -> std::io::Result<()> {
    let socket = UdpSocket::bind(("0.0.0.0", port)).await?;
    let mut buffer = vec![0; 65_536];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        let datagram = buffer.get(..length).unwrap_or_default();
        let _ = socket.send_to(datagram, from).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_follow_image_name() {
        assert_eq!(
            servers_for("docker.io/library/nginx:1.27", ""),
            [ServerKind::Http(80)]
        );
        assert_eq!(
            servers_for("docker.io/library/postgres:17", ""),
            [ServerKind::Tcp(5432)]
        );
        let system = servers_for("debian-13-standard_13.1-2_amd64.tar.zst", "");
        assert!(system.contains(&ServerKind::Http(8080)) && system.contains(&ServerKind::Udp(7)));
    }

    #[test]
    fn environment_overrides_image_name() {
        let servers = servers_for(
            "docker.io/library/nginx:1.27",
            "PATH=/bin\0SERVES=http:81 udp:53 x:1",
        );
        assert_eq!(servers, [ServerKind::Http(81), ServerKind::Udp(53)]);
    }
}
