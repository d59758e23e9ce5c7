//! Benchmark: time from a change until the edge host serves it, with a real agent and a real nginx
//! with 1,000 services, and 200 changes of single services. The time runs from before the change
//! request to the end of the first correct response through nginx, over TLS, each time on a new
//! connection.
//!
//! Runs as root in separate namespaces (`cargo xtask bench publish`), with the agent binary as its
//! argument. Prints `figure value unit` per line. With `--smoke`, a few changes of fewer services
//! only verify that it works.

#![expect(clippy::print_stdout, reason = "prints its results")]

mod edge_host;
mod test_manager;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::ensure;
use clap::Parser as _;

use edge_host::{BACKENDS, Client, EdgeHost};
use test_manager::TestManager;

#[derive(clap::Parser)]
struct Args {
    /// The agent's program
    agent: PathBuf,
    /// Only show that it works
    #[arg(long)]
    smoke: bool,
}

/// The size of the benchmark.
struct Size {
    /// A multiple of [`test_manager::SERVICES_PER_CONTAINER`], and not of [`STEP`].
    services: u32,
    changes: u32,
}

impl Size {
    fn new(smoke: bool) -> Self {
        if smoke {
            Self {
                services: 50,
                changes: 3,
            }
        } else {
            Self {
                services: 1000,
                changes: 100,
            }
        }
    }
}

/// Distance to the next changed service, so that all services are changed before any is changed
/// again.
const STEP: u32 = 7;
/// The pause before each change: the agent reloads nginx at most every two seconds, and a change
/// after a quiet period is applied immediately.
const QUIET: Duration = Duration::from_secs(2);
/// Timeout for a change to become visible.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Polling interval of the compared system, in milliseconds.
const PEER_POLL_INTERVAL_MS: f64 = 30_000.0;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let size = Size::new(args.smoke);
    let folder = tempfile::tempdir()?;
    edge_host::start_backends().await?;
    let manager = TestManager::build(folder.path(), size.services).await?;
    let token = manager.add_host().await?;
    let started = Instant::now();
    let _host = EdgeHost::join(&args.agent, folder.path(), &token).await?;
    let client = Client::new(&manager.hosts())?;
    for service in [0, size.services - 1] {
        wait_for_backend(&client, &TestManager::host(service), BACKENDS[0]).await?;
    }
    println!("publish_first_ms {:.0} ms", millis(started.elapsed()));
    manager.wait_until_live(TIMEOUT).await?;

    let mut times = Vec::new();
    for change in 0..size.changes {
        let service = change * STEP % size.services;
        tokio::time::sleep(QUIET).await;
        let started = Instant::now();
        manager.change(service, BACKENDS[1]).await?;
        wait_for_backend(&client, &TestManager::host(service), BACKENDS[1]).await?;
        times.push(millis(started.elapsed()));
        manager.wait_until_live(TIMEOUT).await?;
    }
    print_results(times, size.services);
    manager.shutdown().await;
    Ok(())
}

/// Sends requests until the expected backend responds.
async fn wait_for_backend(client: &Client, host: &str, port: u16) -> anyhow::Result<()> {
    let started = Instant::now();
    while client.backend(host).await != Some(port) {
        ensure!(
            started.elapsed() < TIMEOUT,
            "{host} was not forwarded to port {port} in time"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn print_results(mut times: Vec<f64>, services: u32) {
    times.sort_by(f64::total_cmp);
    let percentile = |hundredths: usize| {
        let index = (times.len() * hundredths).div_ceil(100).saturating_sub(1);
        times.get(index).copied().unwrap_or(f64::NAN)
    };
    println!("publish_services {services} services");
    println!("publish_changes {} changes", times.len());
    println!("publish_p50_ms {:.0} ms", percentile(50));
    println!("publish_p95_ms {:.0} ms", percentile(95));
    println!("publish_max_ms {:.0} ms", percentile(100));
    // Computed, not measured: half of the polling interval, without any other delay.
    let peer = PEER_POLL_INTERVAL_MS / 2.0;
    println!("publish_peer_looks_p50_ms {peer:.0} ms computed");
    println!(
        "publish_peer_ratio {:.3} ratio computed",
        percentile(50) / peer
    );
}
