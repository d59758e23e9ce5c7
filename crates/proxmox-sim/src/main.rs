//! Runs a simulated Proxmox VE cluster for people: to try a client by hand, or to develop.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;

/// A Proxmox VE API that runs in memory. The token is root@pam!holdfast.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8006")]
    listen: SocketAddr,
    /// A file with the token's secret, a UUID.
    #[arg(long)]
    token_secret_file: PathBuf,
    /// Where containers outlive the process.
    #[arg(long)]
    state_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let path = options.token_secret_file;
    let secret = std::fs::read_to_string(&path)
        .with_context(|| format!("could not read the secret from {}", path.display()))?;
    let mut config = proxmox_sim::Config::demo(secret.trim());
    config.listen = options.listen;
    config.state_file = options.state_file;
    let sim = proxmox_sim::start(config)
        .await
        .context("the simulator did not start")?;
    #[expect(
        clippy::print_stdout,
        reason = "a program for people says where it listens"
    )]
    {
        println!("Simulated Proxmox VE at {}", sim.url());
    }
    tokio::signal::ctrl_c()
        .await
        .context("could not wait for the interrupt")?;
    sim.stop().await;
    Ok(())
}
