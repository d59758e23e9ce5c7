//! One question to this host's own nginx or dnsmasq, and what its answer means.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use edge::Layout;
use model::agents::{Silent, Who};
use reqwest::{Client, StatusCode};
use simple_dns::{CLASS, Name, Packet, Question, TYPE, rdata::RData};
use tokio::{
    net::UdpSocket,
    time::{Instant, sleep, timeout},
};

use super::Target;

/// How long the programs may take until they answer with what is new: nginx's old workers still
/// answer what they accepted, and dnsmasq reads its lists a moment after it was told.
const SETTLES: Duration = Duration::from_secs(2);
/// The wait between two questions in that time.
const AGAIN: Duration = Duration::from_millis(100);
/// How long an answer of dnsmasq may take.
const NAMED: Duration = Duration::from_millis(500);
/// How long an answer of nginx may take. It waits 5 s for a container that says nothing.
const SERVED: Duration = Duration::from_secs(8);
/// The most of a page that is looked at, in bytes: more than nginx's own pages have.
const LOOKED_AT: usize = 16 * 1024;

/// Who asks on one host.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    /// Where dnsmasq answers.
    address: Ipv4Addr,
    /// The pages that nginx shows by itself.
    pages: PathBuf,
}

impl Asker {
    pub(super) fn new(address: Ipv4Addr, layout: &Layout) -> Self {
        Self {
            address,
            pages: PathBuf::from(layout.live.as_str()).join("nginx/pages"),
        }
    }

    /// What is wrong with a name; none when it answers.
    pub(super) async fn ask(&self, target: &Target) -> Option<Silent> {
        let until = Instant::now() + SETTLES;
        loop {
            let (who, words) = match target {
                Target::Host { name, address } => self.named(name, *address).await,
                Target::Page { name, .. } => self.served(name).await,
            }
            .err()?;
            if who == Who::Container || Instant::now() > until {
                return Some(silent(target, who, words));
            }
            sleep(AGAIN).await;
        }
    }

    async fn named(&self, name: &str, address: Ipv4Addr) -> Result<(), (Who, String)> {
        let found = timeout(NAMED, look_up(self.address, name)).await;
        let words = match found {
            Ok(Ok(found)) if found.contains(&address) => return Ok(()),
            Ok(Ok(found)) => match found.first() {
                Some(other) => {
                    format!("dnsmasq says that it is {other}, and it should be {address}.")
                }
                None => "dnsmasq does not know the name.".to_owned(),
            },
            Ok(Err(error)) => format!("dnsmasq could not be asked: {error}."),
            Err(_) => "dnsmasq does not answer.".to_owned(),
        };
        Err((Who::Edge, words))
    }

    async fn served(&self, name: &str) -> Result<(), (Who, String)> {
        let (status, page) = match get(name).await {
            Ok(answered) => answered,
            Err(error) if error.is_timeout() && !error.is_connect() => {
                let words = "nginx passes the name on, and nothing comes back";
                let words = format!("{words} within {} seconds.", SERVED.as_secs());
                return Err((Who::Container, words));
            }
            Err(_) => {
                let words = "nginx does not answer under the name, or does not know it.";
                return Err((Who::Edge, words.to_owned()));
            }
        };
        if status == StatusCode::NOT_FOUND && self.is_own("not-found.html", &page).await {
            let words = "nginx does not know the name.".to_owned();
            return Err((Who::Edge, words));
        }
        let gateway = [StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT].contains(&status);
        if gateway && self.is_own("no-answer.html", &page).await {
            let words = "nginx answers under the name, and nobody behind it does.".to_owned();
            return Err((Who::Container, words));
        }
        Ok(())
    }

    /// Whether a page is one of nginx's own, and not one that a container shows.
    async fn is_own(&self, name: &str, page: &[u8]) -> bool {
        let own = tokio::fs::read(self.pages.join(name)).await;
        own.is_ok_and(|own| own == page)
    }
}

fn silent(target: &Target, who: Who, words: String) -> Silent {
    let (name, service) = match target {
        Target::Host { name, .. } => (name, None),
        Target::Page { name, service, .. } => (name, Some(*service)),
    };
    let words = match target {
        Target::Page { behind, .. } if who == Who::Container => {
            format!("{words} Is the container running, and does its program listen on {behind}?")
        }
        _ => words,
    };
    Silent {
        name: name.clone(),
        service,
        who,
        words,
    }
}

/// The addresses of a name, as one name server knows them.
async fn look_up(
    server: Ipv4Addr,
    name: &str,
) -> Result<Vec<Ipv4Addr>, Box<dyn std::error::Error + Send + Sync>> {
    static NUMBER: AtomicU16 = AtomicU16::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut query = Packet::new_query(number);
    let (kind, class) = (TYPE::A.into(), CLASS::IN.into());
    query
        .questions
        .push(Question::new(Name::new(name)?, kind, class, false));
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    // From then on only its answers come here.
    socket.connect((server, 53)).await?;
    socket.send(&query.build_bytes_vec()?).await?;
    let mut bytes = [0; 1500];
    loop {
        let length = socket.recv(&mut bytes).await?;
        let answer = Packet::parse(bytes.get(..length).unwrap_or_default())?;
        if answer.id() != number {
            continue;
        }
        let found = answer
            .answers
            .iter()
            .filter_map(|record| match &record.rdata {
                RData::A(found) => Some(Ipv4Addr::from(found.address)),
                _ => None,
            });
        return Ok(found.collect());
    }
}

/// The status and the beginning of what this host's nginx shows under a name.
async fn get(name: &str) -> Result<(StatusCode, Vec<u8>), reqwest::Error> {
    let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 443);
    let client = Client::builder()
        .resolve(name, here)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(SERVED)
        .pool_max_idle_per_host(0)
        .user_agent("holdfast-agent")
        // It is asked on this host's own loopback; whether browsers know the certificate is another
        // question.
        .tls_danger_accept_invalid_certs(true)
        .build()?;
    let mut response = client.get(format!("https://{name}/")).send().await?;
    let status = response.status();
    let mut page = Vec::new();
    while page.len() < LOOKED_AT
        && let Some(chunk) = response.chunk().await?
    {
        page.extend_from_slice(&chunk);
    }
    Ok((status, page))
}
