//! Probes one name at this host's nginx or dnsmasq.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use edge::Layout;
use model::hosts::{FailedProbe, ProbedComponent};
use reqwest::{Client, StatusCode};
use simple_dns::{CLASS, Name, Packet, Question, TYPE, rdata::RData};
use tokio::{
    net::UdpSocket,
    time::{Instant, sleep, timeout},
};

use super::Target;

/// How long the programs may take to use a new configuration: nginx's old workers still serve
/// accepted connections, and dnsmasq reads its lists shortly after the signal.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(2);
/// The delay between two probes during that time.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// The timeout of a DNS query.
const DNS_TIMEOUT: Duration = Duration::from_millis(500);
/// The timeout of an HTTP request. nginx waits 5 s for an unresponsive backend.
const HTTP_TIMEOUT: Duration = Duration::from_secs(8);
/// The number of bytes of a page that are compared: more than nginx's own pages have.
const MAX_PAGE_SIZE: usize = 16 * 1024;

/// A prober for one host.
#[derive(Clone, Debug)]
pub(super) struct Prober {
    /// The address of dnsmasq.
    address: Ipv4Addr,
    /// The directory of nginx's own error pages.
    pages: PathBuf,
}

impl Prober {
    pub(super) fn new(address: Ipv4Addr, layout: &Layout) -> Self {
        Self {
            address,
            pages: PathBuf::from(layout.live.as_str()).join("nginx/pages"),
        }
    }

    /// Probes a target. Returns the failure, or none on success.
    pub(super) async fn probe(&self, target: &Target) -> Option<FailedProbe> {
        let until = Instant::now() + SETTLE_TIMEOUT;
        loop {
            let (component, message) = match target {
                Target::Host { name, address } => self.probe_dns(name, *address).await,
                Target::Page { name, .. } => self.probe_http(name).await,
            }
            .err()?;
            if component == ProbedComponent::Container || Instant::now() > until {
                return Some(failure(target, component, message));
            }
            sleep(RETRY_INTERVAL).await;
        }
    }

    async fn probe_dns(
        &self,
        name: &str,
        address: Ipv4Addr,
    ) -> Result<(), (ProbedComponent, String)> {
        let found = timeout(DNS_TIMEOUT, resolve(self.address, name)).await;
        let message = match found {
            Ok(Ok(found)) if found.contains(&address) => return Ok(()),
            Ok(Ok(found)) => match found.first() {
                Some(other) => {
                    format!("dnsmasq resolves the name to {other} instead of {address}.")
                }
                None => "dnsmasq has no record for the name.".to_owned(),
            },
            Ok(Err(error)) => format!("The query to dnsmasq failed: {error}."),
            Err(_) => "dnsmasq does not respond.".to_owned(),
        };
        Err((ProbedComponent::Edge, message))
    }

    async fn probe_http(&self, name: &str) -> Result<(), (ProbedComponent, String)> {
        let (status, page) = match get(name).await {
            Ok(response) => response,
            Err(error) if error.is_timeout() && !error.is_connect() => {
                let timeout = HTTP_TIMEOUT.as_secs();
                let message = format!("The backend did not respond within {timeout} seconds.");
                return Err((ProbedComponent::Container, message));
            }
            Err(_) => {
                let message = "nginx does not respond under this name.";
                return Err((ProbedComponent::Edge, message.to_owned()));
            }
        };
        if status == StatusCode::NOT_FOUND && self.is_own("not-found.html", &page).await {
            let message = "nginx has no service under this name.".to_owned();
            return Err((ProbedComponent::Edge, message));
        }
        let gateway = [StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT].contains(&status);
        if gateway && self.is_own("unreachable.html", &page).await {
            let message = "nginx responds, but the backend does not.".to_owned();
            return Err((ProbedComponent::Container, message));
        }
        Ok(())
    }

    /// Whether a page is one of nginx's own error pages rather than a page of the container.
    async fn is_own(&self, name: &str, page: &[u8]) -> bool {
        let own = tokio::fs::read(self.pages.join(name)).await;
        own.is_ok_and(|own| own == page)
    }
}

fn failure(target: &Target, component: ProbedComponent, message: String) -> FailedProbe {
    let (name, service) = match target {
        Target::Host { name, .. } => (name, None),
        Target::Page { name, service, .. } => (name, Some(*service)),
    };
    let message = match target {
        Target::Page { behind, .. } if component == ProbedComponent::Container => {
            format!("{message} Is the container running, and does its program listen on {behind}?")
        }
        _ => message,
    };
    FailedProbe {
        name: name.clone(),
        service,
        component,
        message,
    }
}

/// Resolves a name at one name server.
async fn resolve(
    server: Ipv4Addr,
    name: &str,
) -> Result<Vec<Ipv4Addr>, Box<dyn std::error::Error + Send + Sync>> {
    static NEXT_ID: AtomicU16 = AtomicU16::new(0);
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let mut query = Packet::new_query(id);
    let (kind, class) = (TYPE::A.into(), CLASS::IN.into());
    query
        .questions
        .push(Question::new(Name::new(name)?, kind, class, false));
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    // A connected socket receives datagrams of this server only.
    socket.connect((server, 53)).await?;
    socket.send(&query.build_bytes_vec()?).await?;
    let mut bytes = [0; 1500];
    loop {
        let length = socket.recv(&mut bytes).await?;
        let response = Packet::parse(bytes.get(..length).unwrap_or_default())?;
        if response.id() != id {
            continue;
        }
        let found = response
            .answers
            .iter()
            .filter_map(|record| match &record.rdata {
                RData::A(found) => Some(Ipv4Addr::from(found.address)),
                _ => None,
            });
        return Ok(found.collect());
    }
}

/// The status and the beginning of the page that this host's nginx serves under a name.
async fn get(name: &str) -> Result<(StatusCode, Vec<u8>), reqwest::Error> {
    let nginx = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 443);
    let client = Client::builder()
        .resolve(name, nginx)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(HTTP_TIMEOUT)
        .pool_max_idle_per_host(0)
        .user_agent("holdfast-agent")
        // The request stays on the loopback interface; whether browsers trust the certificate is
        // not probed.
        .tls_danger_accept_invalid_certs(true)
        .build()?;
    let mut response = client.get(format!("https://{name}/")).send().await?;
    let status = response.status();
    let mut page = Vec::new();
    while page.len() < MAX_PAGE_SIZE
        && let Some(chunk) = response.chunk().await?
    {
        page.extend_from_slice(&chunk);
    }
    Ok((status, page))
}
