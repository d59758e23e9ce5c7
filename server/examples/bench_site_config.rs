//! Benchmark: builds the site configuration of a site with 10,000 services from the database, as
//! for an agent after every change. Prints `figure value unit`. With `--smoke`, a few services only
//! verify that it works.

#![expect(clippy::print_stdout, reason = "prints its results")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use clap::Parser as _;
use control::{Actor, Control, Options, setup, site_config, sites};
use model::{
    ClusterId, DomainId, SiteId,
    containers::{ContainerForm, ContainerSpec},
    names::Label,
    net::{MacAddress, Port},
    publish::HttpOptions,
    services::TcpOptions,
    sites::SiteForm,
};
use proxmox_sim::Config;
use store::{
    SecretKey, Store,
    containers::{BoundService, NewContainerRow, ServiceBinding},
};

/// HTTP services per container, and as many TCP services.
const SERVICES_PER_KIND: u16 = 25;

#[derive(clap::Parser)]
struct Args {
    /// Only show that it works
    #[arg(long)]
    smoke: bool,
}

/// The size of the benchmark.
struct Size {
    containers: u16,
    rounds: usize,
}

impl Size {
    fn new(smoke: bool) -> Self {
        if smoke {
            Self {
                containers: 4,
                rounds: 3,
            }
        } else {
            Self {
                containers: 200,
                rounds: 21,
            }
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let size = Size::new(Args::parse().smoke);
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("bench.db").display());
    let store = Store::open(store::Options {
        url: url.parse()?,
        key: SecretKey::generate()?,
        pool_size: 8,
    })
    .await?;
    let simulator = proxmox_sim::start(Config::test()).await?;
    let control = Control::start(store, Options::default()).await?;
    setup::create_first_administrator(&control).await?;
    let access = setup::Access {
        url: simulator.url(),
        token_id: "root@pam!holdfast".into(),
        secret: proxmox_sim::TEST_SECRET.into(),
    };
    let cluster = setup::upsert_cluster(&control, "bench", access).await?;
    let site = site(&control, cluster).await?;
    fill(&control, site, cluster, size.containers).await?;

    let role = site_config::EdgeRole {
        name_servers: vec![[10, 20, 0, 1].into()],
        dhcp: true,
    };
    let mut times = Vec::new();
    for _ in 0..size.rounds {
        let started = Instant::now();
        let config = site_config::preview(&control, &Actor::System, site, role.clone()).await?;
        times.push(started.elapsed());
        let http: usize = config
            .domains
            .iter()
            .map(|domain| domain.services.len())
            .sum();
        let all = http + config.streams.len();
        ensure!(
            all == usize::from(size.containers * SERVICES_PER_KIND * 2),
            "the configuration has {all} services"
        );
    }
    times.sort_unstable();
    let median = times.get(size.rounds / 2).context("no rounds")?;
    println!("site_config_10k_ms {:.1} ms", median.as_secs_f64() * 1000.0);
    control.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

async fn site(control: &Control, cluster: ClusterId) -> anyhow::Result<SiteId> {
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
        ports: "10000-19999".into(),
        ..SiteForm::default()
    };
    let spec = form.parse().map_err(|e| anyhow!("{e:?}"))?;
    Ok(sites::create(control, &Actor::System, spec).await?)
}

fn spec(site: SiteId) -> anyhow::Result<ContainerSpec> {
    let form = ContainerForm {
        site: site.to_string(),
        name: "x".into(),
        source: "docker.io/library/nginx:1.27".into(),
        cores: "1".into(),
        memory: "512".into(),
        disk: "8".into(),
        ..ContainerForm::default()
    };
    Ok(form.parse().map_err(|e| anyhow!("{e:?}"))?.spec)
}

/// The services of a container, as stored in the database.
fn services(number: u16, domain: DomainId) -> Result<Vec<BoundService>, model::Invalid> {
    let first = number * SERVICES_PER_KIND;
    let mut all = Vec::new();
    for service in first..first + SERVICES_PER_KIND {
        let label: Label = format!("s{service}").parse()?;
        let options = HttpOptions::default();
        all.push(BoundService {
            container_port: "8080".parse()?,
            binding: ServiceBinding::Http {
                label,
                domain,
                options,
            },
        });
        let external: Port = (10_000 + service).to_string().parse()?;
        all.push(BoundService {
            container_port: "5432".parse()?,
            binding: ServiceBinding::Tcp {
                external,
                options: TcpOptions::default(),
                tls: None,
            },
        });
    }
    Ok(all)
}

fn record(
    number: u16,
    domain: DomainId,
    spec: &ContainerSpec,
    (site, cluster, owner): (SiteId, ClusterId, model::UserId),
) -> Result<NewContainerRow, model::Invalid> {
    let [high, low] = number.to_be_bytes();
    Ok(NewContainerRow {
        site,
        cluster,
        owner,
        name: format!("web-{number}").parse()?,
        spec: spec.clone(),
        services: services(number, domain)?,
        names: Default::default(),
        node: "pve1".parse()?,
        vmid: 1000 + u32::from(number),
        mac: MacAddress::from_octets([0xBC, 0x24, 0x11, 0, high, low])?,
        address: [10, 20, 1 + high, low].into(),
    })
}

/// Inserts the containers into the database as created.
async fn fill(
    control: &Control,
    site: SiteId,
    cluster: ClusterId,
    containers: u16,
) -> anyhow::Result<()> {
    let (spec, permit) = (spec(site)?, Actor::System.permit()?);
    control
        .store()
        .write(move |c| {
            let owner = store::users::get_first_administrator(c)?.ok_or(store::Error::NotFound)?;
            let domains = store::domains::list_by_site(c, site)?;
            let domain = domains.first().ok_or(store::Error::NotFound)?.id;
            for number in 0..containers {
                let references = (site, cluster, owner);
                let record = record(number, domain, &spec, references);
                let id = store::containers::insert(
                    c,
                    permit,
                    &record.map_err(|_| store::Error::NotFound)?,
                )?;
                store::containers::mark_created(c, id)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}
