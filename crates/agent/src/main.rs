//! `holdfast-agent`: the agent on a host.

use std::{
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use agent::{
    core::{ManagerHttp, Settings, role::AgentPaths, serve, units},
    roles,
};
use clap::{Parser, Subcommand};
use model::{hosts::JoinToken, names::InterfaceName};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Applies the configuration that Holdfast assigns to this host
#[derive(Parser)]
#[command(name = "holdfast-agent", version)]
struct Arguments {
    /// The agent's state directory
    #[arg(
        long = "directory",
        value_name = "DIR",
        default_value = "/var/lib/holdfast-agent",
        global = true
    )]
    folder: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Join a site with the join token that Holdfast shows; it is read from standard input, so that
    /// it never appears in the process list
    Join {
        /// The network interface in the site's network
        #[arg(long)]
        interface: InterfaceName,
    },
    /// Serve the site until SIGTERM
    Run,
    /// Write the systemd units of this program, and drop-ins that make other programs use its files
    Units {
        /// systemd's unit directory
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

type CommandResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn join(folder: PathBuf, interface: InterfaceName) -> CommandResult {
    let token: JoinToken = std::io::read_to_string(std::io::stdin())?.parse()?;
    let paths = AgentPaths {
        base: folder,
        interface,
    };
    let description = serve::describe(&paths, roles::ALL).await?;
    let key = ManagerHttp::join(&token, description).await?;
    let settings = Settings {
        manager: token.manager,
        fingerprint: token.fingerprint,
        key,
        interface: paths.interface,
    };
    settings.write(&paths.base)?;
    let message = "This host has joined. Next: `holdfast-agent units` for systemd, or `holdfast-agent run` to start now.\n";
    std::io::stdout().write_all(message.as_bytes())?;
    Ok(())
}

fn write_units(folder: &Path, to: &Path) -> CommandResult {
    let mut out = std::io::stdout();
    let roles = roles::ALL.map(|role| role.units());
    for path in units::write(&std::env::current_exe()?, folder, to, &roles)? {
        writeln!(out, "{}", path.display())?;
    }
    let services = roles.iter().flat_map(|role| role.services);
    let services: Vec<&str> = services.copied().collect();
    writeln!(
        out,
        "Now: systemctl daemon-reload && systemctl restart {} && systemctl enable --now holdfast-agent",
        services.join(" ")
    )?;
    Ok(())
}

async fn run(folder: PathBuf) -> CommandResult {
    let settings = Settings::read(&folder)?;
    let stop = CancellationToken::new();
    cancel_on_signal(stop.clone())?;
    serve::run(&folder, settings, &roles::ALL, stop).await?;
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
