//! How long a change takes until the edge host answers with it: a real agent and a real nginx with
//! 1,000 services, 200 changes of one of them. A change is measured from before it is asked for to
//! the end of the first right answer through nginx, over TLS, each time on a connection of its own.
//!
//! It is run as root in namespaces of its own (`cargo xtask bench publish`), with the agent's
//! program as its argument. Prints `figure value unit`, one a line.

#![expect(clippy::print_stdout, reason = "the figures are what it is run for")]

mod edge_host;
mod house;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

use edge_host::{BACKENDS, Client, EdgeHost};
use house::{House, SERVICES};

const CHANGES: u32 = 200;
/// After how long a change that nobody sees ends the measurement.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the system to beat waits between two looks for changes, in milliseconds.
const PEER_LOOKS_EVERY: f64 = 30_000.0;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let agent = std::env::args_os().nth(1).map(PathBuf::from);
    let agent = agent.context("the agent's program is the argument")?;
    let folder = tempfile::tempdir()?;
    edge_host::be_backends().await?;
    let house = House::build(folder.path()).await?;
    let code = house.invite().await?;
    let began = Instant::now();
    let _host = EdgeHost::join(&agent, folder.path(), &code).await?;
    let client = Client::new(&house.hosts())?;
    for service in [0, SERVICES - 1] {
        wait(&client, &House::host(service), BACKENDS[0]).await?;
    }
    println!("publish_first_ms {:.0} ms", millis(began.elapsed()));
    house.settled(PATIENCE).await?;

    let mut took = Vec::new();
    for change in 0..CHANGES {
        // Spread over all, each of them once; 7 and 1,000 have no common factor.
        let service = change * 7 % SERVICES;
        let began = Instant::now();
        house.change(service, BACKENDS[1]).await?;
        wait(&client, &House::host(service), BACKENDS[1]).await?;
        took.push(millis(began.elapsed()));
        house.settled(PATIENCE).await?;
    }
    print(took);
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

fn print(mut took: Vec<f64>) {
    took.sort_by(f64::total_cmp);
    let share = |hundredths: usize| {
        let place = (took.len() * hundredths).div_ceil(100).saturating_sub(1);
        took.get(place).copied().unwrap_or(f64::NAN)
    };
    println!("publish_services {SERVICES} services");
    println!("publish_changes {} changes", took.len());
    println!("publish_p50_ms {:.0} ms", share(50));
    println!("publish_p95_ms {:.0} ms", share(95));
    println!("publish_max_ms {:.0} ms", share(100));
    // Not measured: half of its time between two looks, with nothing else counted.
    let peer = PEER_LOOKS_EVERY / 2.0;
    println!("publish_peer_looks_p50_ms {peer:.0} ms computed");
    println!("publish_peer_ratio {:.3} ratio computed", share(50) / peer);
}
