//! The demo edge: this process acts as the edge host of the simulated cluster's sites. It is their
//! agent (`agent`) and proxies names under `localhost` to their containers (`proxy`). It serves
//! only clients on this machine, and must know nothing of a site except the configuration that the
//! site's agents receive.

mod agent;
mod proxy;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use control::Control;
use edge::{SiteConfig, pages};
use model::{ClusterId, Invalid, SiteId, domains::EntryPoint, publish::HttpOptions};
use proxmox_sim::ContainerHttp;
use proxy::Origin;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    client_addr::{self, Client},
    host_header,
};

/// Options of the edge.
pub struct Options {
    /// The manager's host name, which never belongs to a container.
    pub manager: String,
    /// The entry point for browsers.
    pub entry: EntryPoint,
    /// HTTP client for the simulated containers.
    pub containers: ContainerHttp,
    /// The simulated cluster. Sites of other clusters have edge hosts of their own.
    pub cluster: ClusterId,
    /// The addresses of the cluster's nodes, which the edge must not use.
    pub nodes: Vec<Ipv4Addr>,
}

/// The demo edge.
#[derive(Clone)]
pub struct Edge(Arc<Inner>);

struct Inner {
    options: Options,
    /// The services of each site, by host name.
    sites: RwLock<BTreeMap<SiteId, BTreeMap<String, Service>>>,
}

/// A published HTTP service.
#[derive(Clone, Copy)]
struct Service {
    container: SocketAddrV4,
    options: HttpOptions,
}

impl Edge {
    /// Joins the cluster's sites that publish under `localhost`, and serves them until `stop`, when
    /// the task ends.
    ///
    /// # Errors
    /// Never with the constants of this program.
    pub fn start(
        control: Control,
        options: Options,
        stop: CancellationToken,
    ) -> Result<(Self, JoinHandle<()>), Invalid> {
        let edge = Self(Arc::new(Inner {
            options,
            sites: RwLock::default(),
        }));
        let agents = agent::Agents::new(edge.clone(), control)?;
        Ok((edge, tokio::spawn(agents.run(stop))))
    }

    /// Replaces a site's configuration atomically.
    fn publish(&self, site: SiteId, config: &SiteConfig) {
        let services = config.domains.iter().flat_map(|domain| {
            let services = domain.services.iter();
            services.map(|service| {
                let target = Service {
                    container: SocketAddrV4::new(service.address, service.port.get()),
                    options: service.options,
                };
                (domain.hostname(service), target)
            })
        });
        let services = services.collect();
        // A panicked thread has replaced the whole value or nothing.
        let mut sites = self.0.sites.write().unwrap_or_else(PoisonError::into_inner);
        sites.insert(site, services);
    }

    fn find_service(&self, host: &str) -> Option<Service> {
        let sites = self.0.sites.read().unwrap_or_else(PoisonError::into_inner);
        sites
            .values()
            .find_map(|services| services.get(host))
            .copied()
    }

    /// Responds to a request for a name under `localhost`.
    fn respond(&self, origin: &Origin, request: Request) -> Response {
        let host = origin.host.as_str();
        let Some(service) = self.find_service(host) else {
            return error_page(StatusCode::NOT_FOUND, pages::NOT_FOUND);
        };
        // The sign-in service is in the site's network, which only a real edge host reaches.
        if service.options.sign_in {
            return error_page(StatusCode::SERVICE_UNAVAILABLE, pages::NO_SIGN_IN);
        }
        if proxy::is_larger(request.headers(), service.options.body) {
            return error_page(StatusCode::PAYLOAD_TOO_LARGE, pages::TOO_LARGE);
        }
        let request = proxy::to_container(origin, request);
        match self.0.options.containers.send(service.container, request) {
            Ok(response) => proxy::from_container(response),
            Err(error) => {
                tracing::debug!(host, %error, "container unreachable");
                error_page(StatusCode::BAD_GATEWAY, pages::UNREACHABLE)
            }
        }
    }
}

/// Serves requests for names under `localhost`, and passes all others to the manager.
pub async fn dispatch(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let options = &edge.0.options;
    let authority = host_header::authority(&request);
    let host = authority
        .as_ref()
        .and_then(|authority| local_name(authority.host()));
    let Some(host) = host.filter(|host| *host != options.manager) else {
        return next.run(request).await;
    };
    match client_addr::local(&request, &[]) {
        Some(Client(client)) => {
            let origin = Origin {
                host,
                port: authority.and_then(|authority| authority.port_u16()),
                scheme: options.entry.scheme(),
                client,
            };
            edge.respond(&origin, request)
        }
        None => {
            let message = "Names under localhost are served only to this machine.\n";
            (StatusCode::MISDIRECTED_REQUEST, message).into_response()
        }
    }
}

/// The normalized host name, if it is below `localhost`.
fn local_name(host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    host.ends_with(".localhost").then(|| host.to_owned())
}

/// An error page of the edge.
fn error_page(status: StatusCode, html: &'static str) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, Body::from(html)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::{host_header, local_name};

    fn name(uri: &str, host: Option<&str>) -> Option<String> {
        let mut request = Request::get(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        local_name(host_header::authority(&request.body(()).unwrap())?.host())
    }

    #[test]
    fn only_names_below_localhost_belong_to_the_edge() {
        for (host, expected) in [
            ("wiki.localhost:3000", "wiki.localhost"),
            ("wiki.localhost", "wiki.localhost"),
            ("WIKI.LocalHost.:80", "wiki.localhost"),
            ("shop.branch.localhost:3000", "shop.branch.localhost"),
        ] {
            assert_eq!(name("/", Some(host)).as_deref(), Some(expected), "{host}");
        }
        for host in [
            "localhost:3000",
            "localhost",
            "127.0.0.1:3000",
            "[::1]:3000",
            "wiki.localhost.example.org",
            "wikilocalhost",
            "wiki localhost",
            "",
        ] {
            assert_eq!(name("/", Some(host)), None, "{host}");
        }
        assert_eq!(name("/", None), None);
    }
}
