//! `holdfast-lab`: a whole site on one machine. The edge host, a client and the containers of a
//! simulated cluster run in their own namespaces, together with a manager. All namespaces end with
//! this program and the configuration of the machine is not changed.
//!
//! The lab is a development tool. It must not use crates of the product, only its programs and the
//! control API of the simulator.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

mod addresses;
mod authorities;
mod containers;
mod files;
mod host;
mod init;
mod lab;
mod launcher;
mod loopback;
mod manager;
mod name_servers;
mod program;
mod relay;
mod server;
mod simulator;
mod worker;

#[derive(Parser)]
#[command(name = "holdfast-lab", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the lab and run until a signal, or until the given program exits
    Run(Options),
    /// Check whether the lab can run on this machine
    Check,
    /// The lab itself, in its namespaces; reads its configuration from standard input
    #[command(hide = true)]
    Inside,
    /// A host of the lab in separate namespaces; reads its configuration from standard input
    #[command(hide = true)]
    Host { name: String },
    /// The program that uses the lab, in a network namespace with only the loopback interface
    #[command(hide = true)]
    Loopback(loopback::Options),
    /// The worker process of a set of namespaces
    #[command(hide = true)]
    Within { role: worker::Role },
}

/// The arguments of the `run` command.
#[derive(clap::Args)]
pub struct Options {
    /// The binary `holdfastd`
    #[arg(long)]
    holdfastd: PathBuf,
    /// The binary `holdfast-agent`
    #[arg(long)]
    agent: PathBuf,
    /// The local port of the manager; 0 selects a free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The duration of an image pull, in seconds
    #[arg(long, default_value_t = 2)]
    pull: u64,
    /// Keep running after the program succeeds
    #[arg(long)]
    stay: bool,
    /// A program to run in a network namespace that reaches only the manager; its exit code is
    /// returned
    #[arg(last = true)]
    program: Vec<String>,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(options) => launcher::run(options),
        Command::Check => launcher::check().map(|()| ExitCode::SUCCESS),
        Command::Inside => init::run(&["within".into(), "lab".into()]),
        // The name only identifies the process in a process list.
        Command::Host { name: _ } => init::run(&["within".into(), "host".into()]),
        Command::Loopback(options) => loopback::run(options),
        Command::Within { role } => worker::run(role),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "holdfast-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}
