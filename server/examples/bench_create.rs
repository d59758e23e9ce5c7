//! Benchmark: duration of 50 concurrent creations compared to the ideal computed from the
//! simulator's delays. Prints `figure value unit` per line; exits with 1 when a creation failed or
//! a VMID was assigned twice. With `--smoke`, a few quick creations only verify that it works.

#![expect(clippy::print_stdout, reason = "prints its results")]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use control::{Actor, Control, Options, containers, jobs, setup, sites};
use model::{containers::ContainerForm, jobs::JobQuery, jobs::JobState, sites::SiteForm};
use proxmox_sim::{Config, Delays};
use store::{SecretKey, Store};

/// Number of concurrent creations.
const PARALLEL: u32 = 10;

#[derive(clap::Parser)]
struct Args {
    /// Only show that it works
    #[arg(long)]
    smoke: bool,
}

/// The size of the benchmark.
struct Size {
    creations: u32,
    /// The simulator's delay of a creation.
    create: Duration,
    /// The simulator's delay of a start.
    start: Duration,
}

impl Size {
    fn new(smoke: bool) -> Self {
        if smoke {
            Self {
                creations: 3,
                create: Duration::from_millis(200),
                start: Duration::from_millis(100),
            }
        } else {
            Self {
                creations: 50,
                create: Duration::from_secs(2),
                start: Duration::from_secs(1),
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
    let mut config = Config::test();
    config.delays = Delays {
        pull: Duration::ZERO,
        create: size.create,
        start: size.start,
        ..config.delays
    };
    let simulator = proxmox_sim::start(config).await?;
    let options = Options {
        // One owner uses three quarters of the workers.
        max_concurrent_jobs: (PARALLEL as usize * 4).div_ceil(3),
        ..Options::default()
    };
    let control = Control::start(store, options).await?;
    setup::create_first_administrator(&control).await?;
    let access = setup::Access {
        url: simulator.url(),
        token_id: "root@pam!holdfast".into(),
        secret: proxmox_sim::TEST_SECRET.into(),
    };
    let cluster = setup::upsert_cluster(&control, "bench", access).await?;
    let site = site(cluster)
        .parse()
        .map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let site = sites::create(&control, &Actor::System, site).await?;

    let started = Instant::now();
    for number in 0..size.creations {
        let form = container(site, number);
        let new = form.parse().map_err(|e| anyhow::anyhow!("{e:?}"))?;
        containers::create(&control, &Actor::System, new).await?;
    }
    wait_for_jobs(&control).await?;
    let elapsed = started.elapsed();

    check(&control, &simulator, size.creations).await?;
    let ideal = (size.create + size.start) * size.creations.div_ceil(PARALLEL);
    println!("create_seconds {:.2} s", elapsed.as_secs_f64());
    println!("create_ideal_seconds {:.2} s", ideal.as_secs_f64());
    println!(
        "create_ratio {:.3} ratio",
        elapsed.as_secs_f64() / ideal.as_secs_f64()
    );
    control.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

fn site(cluster: model::ClusterId) -> SiteForm {
    SiteForm {
        name: "bench".into(),
        domain: "bench.example.org".into(),
        cluster: cluster.to_string(),
        bridge: "vmbr0".into(),
        network: "10.20.0.0/16".into(),
        gateway: "10.20.0.1".into(),
        range: "10.20.1.1-10.20.8.250".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "1000-1999".into(),
        ports: "2000-2999".into(),
        ..SiteForm::default()
    }
}

fn container(site: model::SiteId, number: u32) -> ContainerForm {
    ContainerForm {
        site: site.to_string(),
        name: format!("bench-{number}"),
        source: "docker.io/library/nginx:1.27".into(),
        cores: "1".into(),
        memory: "256".into(),
        disk: "4".into(),
        ..ContainerForm::default()
    }
}

async fn wait_for_jobs(control: &Control) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(180);
    while !jobs::list_active(control, &Actor::System).await?.is_empty() {
        ensure!(
            Instant::now() < deadline,
            "the jobs did not end within 180 s"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn check(
    control: &Control,
    simulator: &proxmox_sim::Sim,
    creations: u32,
) -> anyhow::Result<()> {
    let failed = JobQuery {
        state: Some(JobState::Failed),
        page: 1,
        ..JobQuery::default()
    };
    let failed = jobs::list(control, &Actor::System, &failed).await?;
    let first = failed
        .rows
        .first()
        .and_then(|job| job.error.clone())
        .unwrap_or_default();
    ensure!(
        failed.total == 0,
        "{} creations failed: {first}",
        failed.total
    );
    let created = simulator.handle().containers();
    let vmids: BTreeSet<u32> = created.iter().map(|container| container.vmid).collect();
    let expected = usize::try_from(creations).context("count")?;
    ensure!(
        created.len() == expected && vmids.len() == expected,
        "{} containers created",
        created.len()
    );
    Ok(())
}
