//! How long a change takes until the edge host answers with it: a real agent and a real nginx with
//! 1,000 services, 200 changes of one of them. A change is measured from before it is asked for to
//! the end of the first right answer through nginx, over TLS, each time on a connection of its own.
//!
//! It is run as root in namespaces of its own (`cargo xtask bench publish`), with the agent's
//! program as its argument. Prints `figure value unit`, one a line. With `--smoke`, a few changes of
//! fewer services only show that it works.

#![expect(clippy::print_stdout, reason = "the figures are what it is run for")]

mod edge_host;
mod house;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::ensure;
use clap::Parser as _;

use edge_host::{BACKENDS, Client, EdgeHost};
use house::House;

#[derive(clap::Parser)]
struct Args {
    /// The agent's program
    agent: PathBuf,
    /// Only show that it works
    #[arg(long)]
    smoke: bool,
}

/// How much is measured.
struct Size {
    /// A multiple of [`house::EACH`], and not of [`STEP`].
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
                changes: 200,
            }
        }
    }
}

/// How far the next service to change is from the one before: so all are changed before one is again.
const STEP: u32 = 7;
/// After how long a change that nobody sees ends the measurement.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the system to beat waits between two looks for changes, in milliseconds.
const PEER_LOOKS_EVERY: f64 = 30_000.0;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let size = Size::new(args.smoke);
    let folder = tempfile::tempdir()?;
    edge_host::be_backends().await?;
    let house = House::build(folder.path(), size.services).await?;
    let code = house.invite().await?;
    let began = Instant::now();
    let _host = EdgeHost::join(&args.agent, folder.path(), &code).await?;
    let client = Client::new(&house.hosts())?;
    for service in [0, size.services - 1] {
        wait(&client, &House::host(service), BACKENDS[0]).await?;
    }
    println!("publish_first_ms {:.0} ms", millis(began.elapsed()));
    house.settled(PATIENCE).await?;

    let mut took = Vec::new();
    for change in 0..size.changes {
        let service = change * STEP % size.services;
        let began = Instant::now();
        house.change(service, BACKENDS[1]).await?;
        wait(&client, &House::host(service), BACKENDS[1]).await?;
        took.push(millis(began.elapsed()));
        house.settled(PATIENCE).await?;
    }
    print(took, size.services);
    house.end().await;
    Ok(())
}

/// Asks until the right backend answers.
async fn wait(client: &Client, host: &str, port: u16) -> anyhow::Result<()> {
    let began = Instant::now();
    while client.backend(host).await != Some(port) {
        ensure!(
            began.elapsed() < PATIENCE,
            "{host} never led to port {port}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn print(mut took: Vec<f64>, services: u32) {
    took.sort_by(f64::total_cmp);
    let share = |hundredths: usize| {
        let place = (took.len() * hundredths).div_ceil(100).saturating_sub(1);
        took.get(place).copied().unwrap_or(f64::NAN)
    };
    println!("publish_services {services} services");
    println!("publish_changes {} changes", took.len());
    println!("publish_p50_ms {:.0} ms", share(50));
    println!("publish_p95_ms {:.0} ms", share(95));
    println!("publish_max_ms {:.0} ms", share(100));
    // Not measured: half of its time between two looks, with nothing else counted.
    let peer = PEER_LOOKS_EVERY / 2.0;
    println!("publish_peer_looks_p50_ms {peer:.0} ms computed");
    println!("publish_peer_ratio {:.3} ratio computed", share(50) / peer);
}
