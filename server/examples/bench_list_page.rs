//! Benchmark: renders a page with 50 of 1,000 containers over HTTP on loopback and counts its
//! database statements. Prints `figure value unit` per line. With `--smoke`, a short list and a few
//! requests only verify that it works.

#![expect(clippy::print_stdout, reason = "prints its results")]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use control::{Actor, Control, Options, sessions, setup, sites};
use futures::future::try_join_all;
use model::{
    ClusterId, SiteId,
    containers::{ContainerForm, ContainerSpec},
    names::Username,
    session::SignInForm,
    sites::{SiteForm, SiteSpec},
};
use proxmox_sim::{Config, Sim};
use server::{
    assets::Assets,
    router::router,
    state::{AppState, PublicEndpoint},
};
use store::{SecretKey, Store, containers::NewContainerRow};
use tokio_util::sync::CancellationToken;

/// Rows per page.
const ROWS: usize = 50;
/// Concurrent clients.
const CLIENTS: usize = 4;

#[derive(clap::Parser)]
struct Args {
    /// Only show that it works
    #[arg(long)]
    smoke: bool,
}

/// The size of the benchmark.
struct Size {
    containers: u16,
    requests: usize,
    /// Requests before the measurement.
    warm_up: usize,
}

impl Size {
    fn new(smoke: bool) -> Self {
        if smoke {
            Self {
                containers: 60,
                requests: 8,
                warm_up: 1,
            }
        } else {
            Self {
                containers: 1000,
                requests: 400,
                warm_up: 20,
            }
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let size = Size::new(Args::parse().smoke);
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("bench.db").display());
    let options = store::Options {
        url: url.parse()?,
        key: SecretKey::generate()?,
        pool_size: 8,
    };
    let store = Store::open(options).await?;
    let simulator = proxmox_sim::start(Config::test()).await?;
    // Long polling interval, so that only the statements of pages are counted.
    let options = Options {
        observe_interval: Duration::from_secs(600),
        ..Options::default()
    };
    let control = Control::start(store, options).await?;
    let first = setup::create_first_administrator(&control)
        .await?
        .context("a new database has no account")?;
    fill(&control, &simulator, size.containers).await?;
    let cookie = sign_in(&control, &first.name, &first.password).await?;

    let address = serve(&control).await?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let page = Page {
        client,
        address: format!("http://{address}/containers"),
        cookie,
        containers: size.containers,
    };
    for _ in 0..size.warm_up {
        page.load().await?;
    }
    println!(
        "list_page_statements {} statements",
        statements(&control, &page).await?
    );
    print_latencies(&page, size.requests).await?;
    control.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

/// Serves the application on loopback until the process ends. Returns its address.
async fn serve(control: &Control) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let public = format!("http://{address}").parse();
    let public = PublicEndpoint::new(public.map_err(anyhow::Error::msg)?, Vec::new());
    let state = AppState::new(
        control.clone(),
        public,
        Assets::load()?,
        CancellationToken::new(),
    );
    let service = router(state, None).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}

/// Loads the page `requests` times with [`CLIENTS`] clients, and prints latencies and throughput.
async fn print_latencies(page: &Page, requests: usize) -> anyhow::Result<()> {
    let started = Instant::now();
    let clients = (0..CLIENTS).map(|_| page.load_repeatedly(requests / CLIENTS));
    let mut times: Vec<Duration> = try_join_all(clients).await?.concat();
    let elapsed = started.elapsed();
    times.sort_unstable();
    let percentile = |share: usize| {
        times
            .get(times.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "list_page_p50_ms {:.2} ms",
        percentile(50).as_secs_f64() * 1000.0
    );
    println!(
        "list_page_p95_ms {:.2} ms",
        percentile(95).as_secs_f64() * 1000.0
    );
    println!(
        "list_page_per_second {:.1} 1/s",
        times.len() as f64 / elapsed.as_secs_f64()
    );
    Ok(())
}

/// The measured page.
struct Page {
    client: reqwest::Client,
    address: String,
    cookie: String,
    /// Number of containers in the list.
    containers: u16,
}

impl Page {
    /// Loads the page once and checks its rows.
    async fn load(&self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let request = self
            .client
            .get(&self.address)
            .header("cookie", &self.cookie);
        let response = request.send().await?;
        ensure!(
            response.status().is_success(),
            "the page returned {}",
            response.status()
        );
        let html = response.text().await?;
        let elapsed = started.elapsed();
        let rows = (0..self.containers)
            .filter(|n| html.contains(&format!(">{}<", name(*n))))
            .count();
        ensure!(rows == ROWS, "the page has {rows} containers");
        Ok(elapsed)
    }

    async fn load_repeatedly(&self, times: usize) -> anyhow::Result<Vec<Duration>> {
        let mut all = Vec::with_capacity(times);
        for _ in 0..times {
            all.push(self.load().await?);
        }
        Ok(all)
    }
}

/// The minimum number of statements of several requests: background tasks may add some.
async fn statements(control: &Control, page: &Page) -> anyhow::Result<u64> {
    let mut minimum = u64::MAX;
    for _ in 0..10 {
        let before = control.store().statement_count();
        page.load().await?;
        minimum = minimum.min(control.store().statement_count() - before);
    }
    Ok(minimum)
}

async fn sign_in(control: &Control, name: &Username, password: &str) -> anyhow::Result<String> {
    let form = SignInForm {
        name: name.to_string(),
        password: password.to_owned(),
    };
    let client = sessions::ClientInfo {
        address: [127, 0, 0, 1].into(),
        user_agent: "bench".into(),
        browser_token: None,
        session_token: None,
    };
    let session = sessions::sign_in(control, form, client).await?;
    Ok(format!("holdfast_session={}", session.token))
}

fn name(number: u16) -> String {
    format!("container-{number:04}")
}

/// Inserts the containers into the database as created.
async fn fill(control: &Control, simulator: &Sim, containers: u16) -> anyhow::Result<()> {
    let access = setup::Access {
        url: simulator.url(),
        token_id: "root@pam!holdfast".into(),
        secret: proxmox_sim::TEST_SECRET.into(),
    };
    let cluster = setup::upsert_cluster(control, "bench", access).await?;
    let site = sites::create(control, &Actor::System, site_spec(cluster)?).await?;
    let (spec, permit) = (container_spec(site)?, Actor::System.permit()?);
    control
        .store()
        .write(move |c| {
            let owner = store::users::get_first_administrator(c)?.ok_or(store::Error::NotFound)?;
            for number in 0..containers {
                let [high, low] = number.to_be_bytes();
                let invalid = |_| store::Error::NotFound;
                let record = NewContainerRow {
                    site,
                    cluster,
                    owner,
                    name: name(number).parse().map_err(invalid)?,
                    spec: spec.clone(),
                    services: Vec::new(),
                    names: Default::default(),
                    node: "pve1".parse().map_err(invalid)?,
                    vmid: 1000 + u32::from(number),
                    mac: model::net::MacAddress::from_octets([0xBC, 0x24, 0x11, 0, high, low])
                        .map_err(invalid)?,
                    address: [10, 20, 1 + high, low].into(),
                };
                let id = store::containers::insert(c, permit, &record)?;
                store::containers::mark_created(c, id)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

fn site_spec(cluster: ClusterId) -> anyhow::Result<SiteSpec> {
    let form = SiteForm {
        name: "bench".into(),
        domain: "bench.example.org".into(),
        cluster: cluster.to_string(),
        bridge: "vmbr0".into(),
        network: "10.20.0.0/16".into(),
        gateway: "10.20.0.1".into(),
        range: "10.20.1.1-10.20.8.250".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "1000-9999".into(),
        ports: "2000-2999".into(),
        ..SiteForm::default()
    };
    form.parse().map_err(|e| anyhow::anyhow!("{e:?}"))
}

/// The specification of all containers.
fn container_spec(site: SiteId) -> anyhow::Result<ContainerSpec> {
    let form = ContainerForm {
        site: site.to_string(),
        name: "x".into(),
        source: "docker.io/library/nginx:1.27".into(),
        cores: "1".into(),
        memory: "512".into(),
        disk: "8".into(),
        ..ContainerForm::default()
    };
    let new = form.parse().map_err(|e| anyhow::anyhow!("{e:?}"))?;
    Ok(new.spec)
}
