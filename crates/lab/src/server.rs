//! The small servers of a container, as its template or image says: web pages that tell who is
//! asked and where, and ports that say back what they are told.

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

/// What answers on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Serves {
    /// A web page.
    Http(u16),
    /// What comes, sent back on the same connection.
    Tcp(u16),
    /// What comes, sent back to where it came from.
    Udp(u16),
}

/// What a container of this template or image serves. What its environment says in `SERVES`, such
/// as `http:80 tcp:7 udp:7`, comes first.
pub fn of(source: &str, environment: &str) -> Vec<Serves> {
    let told = environment
        .split('\0')
        .find_map(|pair| pair.strip_prefix("SERVES="));
    if let Some(told) = told {
        return told.split_ascii_whitespace().filter_map(read).collect();
    }
    let name = source.rsplit('/').next().unwrap_or(source);
    let name = name.split([':', '-']).next().unwrap_or(name);
    match name {
        "nginx" => vec![Serves::Http(80)],
        "postgres" => vec![Serves::Tcp(5432)],
        "redis" => vec![Serves::Tcp(6379)],
        "node" => vec![Serves::Http(3000)],
        "python" => vec![Serves::Http(8000)],
        "app" => vec![Serves::Http(8080)],
        // A whole system, on which people would install something.
        _ => vec![
            Serves::Http(80),
            Serves::Http(8080),
            Serves::Tcp(7),
            Serves::Udp(7),
        ],
    }
}

fn read(text: &str) -> Option<Serves> {
    let (kind, port) = text.split_once(':')?;
    let port = port.parse().ok()?;
    match kind {
        "http" => Some(Serves::Http(port)),
        "tcp" => Some(Serves::Tcp(port)),
        "udp" => Some(Serves::Udp(port)),
        _ => None,
    }
}

/// Serves for as long as the host is there.
///
/// # Errors
/// When a port is not free.
pub async fn run(name: String, serves: Serves) -> std::io::Result<()> {
    match serves {
        Serves::Http(port) => http(name, port).await,
        Serves::Tcp(port) => tcp(port).await,
        Serves::Udp(port) => udp(port).await,
    }
}

async fn http(name: String, port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    let listener = listener.tap_io(|stream| set_nodelay(stream));
    let app = Router::new()
        .fallback(page)
        .with_state(format!("{name}:{port}"));
    axum::serve(listener, app).await
}

async fn page(State(who): State<String>, request: Request) -> String {
    let mut text = format!("{who} {} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!(
            "{name}: {}\n",
            String::from_utf8_lossy(value.as_bytes())
        ));
    }
    text
}

async fn tcp(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        set_nodelay(&stream);
        tokio::spawn(async move {
            let (mut from, mut to) = split(stream);
            // A connection that breaks off is over, like any other.
            let _ = copy(&mut from, &mut to).await;
        });
    }
}

/// Sends small responses at once. A failure only makes the connection slower.
fn set_nodelay(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
}

async fn udp(port: u16) -> std::io::Result<()> {
    let socket = UdpSocket::bind(("0.0.0.0", port)).await?;
    let mut buffer = vec![0; 65_536];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        let said = buffer.get(..length).unwrap_or_default();
        let _ = socket.send_to(said, from).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_follow_image_name() {
        assert_eq!(of("docker.io/library/nginx:1.27", ""), [Serves::Http(80)]);
        assert_eq!(of("docker.io/library/postgres:17", ""), [Serves::Tcp(5432)]);
        let system = of("debian-13-standard_13.1-2_amd64.tar.zst", "");
        assert!(system.contains(&Serves::Http(8080)) && system.contains(&Serves::Udp(7)));
    }

    #[test]
    fn environment_overrides_image_name() {
        let told = of(
            "docker.io/library/nginx:1.27",
            "PATH=/bin\0SERVES=http:81 udp:53 x:1",
        );
        assert_eq!(told, [Serves::Http(81), Serves::Udp(53)]);
    }
}
