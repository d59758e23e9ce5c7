//! HTTP responses of running containers: one page that shows the container and the request. The
//! simulated network is not reachable from this machine, so requests are function calls, not
//! connections.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Request, Response, header};
use html_escape::encode_text as text;

use crate::cluster::container::Container;
use crate::cluster::core::Core;

/// The page has text and inline styles only, no scripts.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// Headers of every response.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
];

const STYLE: &str = ":root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 42rem; margin: 12vh auto 2rem; padding: 0 1.25rem }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .5rem } h2 { font-size: 1rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem }
dt { opacity: .75 } dd { margin: 0; overflow-wrap: anywhere }
pre { overflow-x: auto; font: .875rem/1.5 ui-monospace, monospace }";

/// No running container has the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no running container has the address {0}")]
pub struct Unreachable(pub Ipv4Addr);

/// An HTTP client for the containers of a simulator.
#[derive(Clone)]
pub struct ContainerHttp {
    core: Arc<Core>,
}

impl ContainerHttp {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Sends a request to a port of the container with this address. Every port and path returns
    /// the same page.
    ///
    /// # Errors
    /// [`Unreachable`] if no running container has the address, its node is offline, or the
    /// simulator has stopped.
    pub fn send(
        &self,
        to: SocketAddrV4,
        request: Request<Body>,
    ) -> Result<Response<Body>, Unreachable> {
        let unreachable = Unreachable(*to.ip());
        if self.core.shutdown.is_cancelled() {
            return Err(unreachable);
        }
        let (head, _) = request.into_parts();
        let page = self.core.read(|state| {
            let mut containers = state.containers.values();
            let container = containers.find(|container| {
                container.is_running()
                    && !state.offline.contains(&container.node)
                    && has_address(container, *to.ip())
            });
            container.map(|container| page(container, to, &head))
        });
        let mut response = Response::new(Body::from(page.ok_or(unreachable)?));
        response.headers_mut().extend(HEADERS);
        Ok(response)
    }
}

/// Whether one of a container's interfaces has the address, configured or from DHCP.
fn has_address(container: &Container, address: Ipv4Addr) -> bool {
    let leased = container.leases.values().any(|leased| *leased == address);
    leased
        || container.networks().any(|(_, parts)| {
            let configured = parts.get("ip").and_then(|ip| ip.split('/').next());
            configured.and_then(|ip| ip.parse().ok()) == Some(address)
        })
}

fn page(container: &Container, to: SocketAddrV4, request: &Parts) -> String {
    let name = container.name();
    let cores = container.option("cores").unwrap_or("all of the node");
    let facts = [
        ("Image or template", container.template_or_image.clone()),
        ("Node", Some(container.node.clone())),
        ("VMID", Some(container.vmid.to_string())),
        ("CPU cores", Some(cores.to_owned())),
        ("Memory", Some(format!("{} MiB", container.memory() >> 20))),
        ("Address", Some(to.to_string())),
    ];
    let mut list = String::new();
    for (label, value) in facts {
        let value = value.unwrap_or_else(|| "unknown".to_owned());
        // Writing to a string cannot fail.
        let _ = write!(list, "<dt>{label}</dt><dd>{}</dd>", text(&value));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{title}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n\
         <p>This page is served by a simulated container. No program runs in it.</p>\n\
         <dl>{list}</dl>\n<h2>The request as it arrived</h2>\n<pre>{request}</pre>\n\
         </body>\n</html>\n",
        title = text(&name),
        request = text(&request_text(request)),
    )
}

/// The request line and headers as text.
fn request_text(request: &Parts) -> String {
    let path = request
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let mut lines = format!("{} {path}", request.method);
    for (name, value) in &request.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = write!(lines, "\n{name}: {value}");
    }
    lines
}
