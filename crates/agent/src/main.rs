//! `holdfast-agent`: the agent on an edge host.

use std::{
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use agent::{Link, Settings, host_facts, serve, units};
use clap::{Parser, Subcommand};
use model::{hosts::JoinToken, names::InterfaceName};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Gives a site its addresses, names and ways in, as Holdfast says.
#[derive(Parser)]
#[command(name = "holdfast-agent", version)]
struct Arguments {
    /// The agent's own folder
    #[arg(long, default_value = "/var/lib/holdfast-agent", global = true)]
    folder: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Join a site with the code that Holdfast shows; the code is read from standard input, so that
    /// no list of processes has it
    Join {
        /// The interface in the site's network
        #[arg(long)]
        interface: InterfaceName,
    },
    /// Serve the site until told to stop
    Run,
    /// Write the units of systemd that start this program, and have nginx and dnsmasq run with its files
    Units {
        /// systemd's folder for them
        #[arg(long, default_value = "/etc/systemd/system")]
        to: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let Arguments { folder, command } = Arguments::parse();
    let result = match command {
        Command::Join { interface } => join(folder, interface).await,
        Command::Run => run(folder).await,
        Command::Units { to } => write_units(&folder, &to),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "holdfast-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

type CommandResult = Result<(), Box<dyn std::error::Error>>;

async fn join(folder: PathBuf, interface: InterfaceName) -> CommandResult {
    let code: JoinToken = std::io::read_to_string(std::io::stdin())?.parse()?;
    let (about, layout) = host_facts::collect(&folder, &interface).await?;
    let key = Link::join(&code, about, layout).await?;
    let settings = Settings {
        manager: code.manager,
        fingerprint: code.fingerprint,
        key,
        interface,
    };
    settings.write(&folder)?;
    let message = "This host has joined. `holdfast-agent units` has systemd serve its site, `holdfast-agent run` does it at once.\n";
    std::io::stdout().write_all(message.as_bytes())?;
    Ok(())
}

fn write_units(folder: &Path, to: &Path) -> CommandResult {
    let mut out = std::io::stdout();
    for path in units::write(&std::env::current_exe()?, folder, to)? {
        writeln!(out, "{}", path.display())?;
    }
    let next = "Now: systemctl daemon-reload && systemctl restart nginx dnsmasq && systemctl enable --now holdfast-agent";
    writeln!(out, "{next}")?;
    Ok(())
}

async fn run(folder: PathBuf) -> CommandResult {
    let settings = Settings::read(&folder)?;
    let stop = CancellationToken::new();
    cancel_on_signal(stop.clone())?;
    serve::run(&folder, settings, stop).await?;
    Ok(())
}

/// Cancels `stop` on SIGTERM or SIGINT. After this function returns, these signals no longer kill
/// the process.
fn cancel_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    Ok(())
}
