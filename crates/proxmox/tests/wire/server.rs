//! A server on a real socket that sends given bytes.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// What the server does with a connection after it has read a request.
#[derive(Clone)]
pub(crate) enum Action {
    Respond(String),
    Hang,
    Disconnect,
}

/// Selects the action for each request; `None` stops responding.
type Handler = Box<dyn FnMut(&str) -> Option<Action> + Send>;

/// A server that reads one request per connection and records it.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Performs the actions in order, one per request.
    pub(crate) async fn start(actions: Vec<Action>) -> Self {
        let mut actions = actions.into_iter();
        Self::run(None, Box::new(move |_| actions.next())).await
    }

    /// Computes the action for each request.
    pub(crate) async fn responding(
        mut response: impl FnMut(&str) -> Action + Send + 'static,
    ) -> Self {
        Self::run(None, Box::new(move |request| Some(response(request)))).await
    }

    /// Performs the actions in order, over TLS.
    pub(crate) async fn start_tls(acceptor: TlsAcceptor, actions: Vec<Action>) -> Self {
        let mut actions = actions.into_iter();
        Self::run(Some(acceptor), Box::new(move |_| actions.next())).await
    }

    async fn run(acceptor: Option<TlsAcceptor>, handler: Handler) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let shared = (requests.clone(), Arc::new(Mutex::new(handler)));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (shared, acceptor) = (shared.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, shared).await,
                        // A client that rejects the certificate sends no request.
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, shared).await;
                            }
                        }
                    }
                });
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    (requests, handler): (Arc<Mutex<Vec<String>>>, Arc<Mutex<Handler>>),
) {
    let request = read_request(&mut stream).await;
    if request.is_empty() {
        return;
    }
    let action = {
        requests.lock().unwrap().push(request.clone());
        (handler.lock().unwrap())(&request)
    };
    match action {
        Some(Action::Respond(text)) => {
            // The client may close the connection before everything is written.
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Some(Action::Disconnect) => {}
        Some(Action::Hang) | None => std::future::pending().await,
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")
                    .map(str::to_owned)
            });
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return text;
        }
    }
}

/// A response with a length; closes the connection.
pub(crate) fn response(status: &str, body: &str) -> Action {
    let length = body.len();
    Action::Respond(format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}

/// A successful response with this data.
pub(crate) fn ok(data: &str) -> Action {
    response("200 OK", &format!("{{\"data\":{data}}}"))
}
