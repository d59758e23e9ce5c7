//! Relays connections between a TCP port and a Unix socket. A Unix socket can be connected to by
//! its path from every network namespace, also where the manager has no address.

use std::path::PathBuf;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

/// Relays each connection to the socket at this path.
pub async fn tcp_to_unix(listener: TcpListener, socket: PathBuf) {
    while let Ok((mut from, _)) = listener.accept().await {
        let socket = socket.clone();
        // A failure only makes the connection slower.
        let _ = from.set_nodelay(true);
        tokio::spawn(async move {
            if let Ok(mut to) = UnixStream::connect(socket).await {
                // Both ends see an error of the connection themselves.
                let _ = copy_bidirectional(&mut from, &mut to).await;
            }
        });
    }
}

/// Relays each connection to this port of the loopback interface.
pub async fn unix_to_tcp(listener: UnixListener, port: u16) {
    while let Ok((mut from, _)) = listener.accept().await {
        tokio::spawn(async move {
            if let Ok(mut to) = TcpStream::connect(("127.0.0.1", port)).await {
                let _ = to.set_nodelay(true);
                // Both ends see an error of the connection themselves.
                let _ = copy_bidirectional(&mut from, &mut to).await;
            }
        });
    }
}
