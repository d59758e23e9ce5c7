//! Runs the program that uses the lab, and with it its browser, in a network namespace that has the
//! loopback interface only. Chromium aborts requests (`ERR_NETWORK_CHANGED`) whenever a link or an
//! address of its network changes, even when an IPv6 address becomes usable seconds after its link.
//! Nothing changes here: no other link exists, and nothing outside has a reason to add one.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
};

use crate::{program, relay};

/// The arguments of the `loopback` command.
#[derive(clap::Args)]
pub struct Options {
    /// The socket of the manager
    #[arg(long)]
    socket: PathBuf,
    /// The port of the manager on the loopback interface
    #[arg(long)]
    port: u16,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    program: Vec<String>,
}

/// Returns a command that enters a new network namespace and runs a program in it: see [`run`].
///
/// # Errors
/// If the path of this program is unknown.
pub fn command(socket: &Path, port: u16, program: &[String]) -> anyhow::Result<Command> {
    let mut command = Command::new("unshare");
    command
        .arg("--net")
        .arg(std::env::current_exe()?)
        .arg("loopback")
        .arg("--socket")
        .arg(socket)
        .args(["--port", &port.to_string(), "--"])
        .args(program);
    Ok(command)
}

/// Runs the program within the new network namespace and returns its exit code.
///
/// # Errors
/// If the interface or the port cannot be set up, or the program cannot be started.
pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        program::run(&["ip", "link", "set", "lo", "up"]).await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let mut child = start(&options.program)?;
        let relay = tokio::spawn(relay::tcp_to_unix(listener, options.socket));
        let status = child.wait().await?;
        relay.abort();
        Ok(program::exit_code(status))
    })
}

fn start(line: &[String]) -> anyhow::Result<Child> {
    let (program, arguments) = line.split_first().context("no program")?;
    Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| program.clone())
}
