//! Developer commands: `cargo xtask run`, `test`, `build`, `dev`, `lab`, `bench` and `shots`.
//!
//! xtask installs missing tools, builds the web assets and the server, and starts them. It uses
//! only the names of the product's packages and must not depend on any of them.

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

mod assets;
mod bench;
mod binaries;
mod browser;
mod compress;
mod css;
mod deny;
mod dependencies;
mod dev;
mod disk;
mod file_sizes;
mod lab;
mod labeled_output;
mod language;
mod lints;
mod mode;
mod npm;
mod permits;
mod program;
mod report;
mod server;
mod setup;
mod shrink;
mod standalone;
mod steps;
mod test;
mod toolchain;
mod wasm;
mod web_assets;
mod workspace;

use binaries::Binary;
use mode::Mode;
use setup::Consent;
use workspace::Workspace;

/// Developer commands for Holdfast.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Args)]
struct Common {
    /// Install missing system packages without asking (CI=true does the same)
    #[arg(long, short, global = true)]
    yes: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Install missing tools, build, and start Holdfast with its data in ./data
    Run {
        #[command(flatten)]
        mode: RunMode,
        /// Arguments for `holdfastd serve`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Build the web assets, the server and the agent
    Build {
        #[command(flatten)]
        mode: ModeArgs,
    },
    /// Build without optimization and start; rebuild and restart on every change of a source file
    Dev {
        /// Arguments for `holdfastd serve`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Run a whole site in namespaces on this machine, as root: an edge host, a client, and the
    /// containers of a simulated cluster
    Lab {
        #[command(flatten)]
        mode: RunMode,
        #[command(flatten)]
        options: lab::Options,
    },
    /// Run all checks and tests
    Test(test::Options),
    /// Run a benchmark; prints lines of `figure value unit`
    Bench {
        #[command(flatten)]
        mode: ModeArgs,
        /// The benchmark
        #[arg(value_enum)]
        name: bench::Bench,
        /// Arguments for the benchmark; `--smoke` only checks that it works
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Take screenshots of every page
    Shots {
        #[command(flatten)]
        mode: ModeArgs,
        /// Arguments for the script
        #[arg(last = true)]
        args: Vec<String>,
    },
}

#[derive(Args)]
struct ModeArgs {
    /// Build without optimization
    #[arg(long)]
    dev: bool,
}

impl ModeArgs {
    fn mode(&self) -> Mode {
        if self.dev { Mode::Dev } else { Mode::Release }
    }
}

#[derive(Args)]
struct RunMode {
    /// Build with optimization, as for servers
    #[arg(long)]
    release: bool,
}

impl RunMode {
    fn mode(&self) -> Mode {
        if self.release {
            Mode::Release
        } else {
            Mode::Dev
        }
    }
}

fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    let consent = Consent::from_flag(cli.common.yes);
    match cli.command {
        Command::Run { mode, args } => server::run(&workspace, mode.mode(), consent, &args),
        Command::Build { mode } => build(&workspace, consent, mode.mode()),
        Command::Dev { args } => dev::watch(&workspace, consent, &args),
        Command::Lab { mode, options } => lab::run(&workspace, consent, mode.mode(), &options),
        Command::Test(options) => test::run(&workspace, consent, &options),
        Command::Bench { mode, name, args } => {
            bench::run(&workspace, consent, mode.mode(), name, &args)
        }
        Command::Shots { mode, args } => bench::shots(&workspace, consent, mode.mode(), &args),
    }
}

/// Builds the server and the agent and copies them into one directory.
fn build(workspace: &Workspace, consent: Consent, mode: Mode) -> anyhow::Result<()> {
    let built = [
        server::build(workspace, mode, consent)?,
        Binary::Agent.build(workspace, mode)?,
    ];
    let dist = workspace.dist();
    assets::empty_folder(&dist)?;
    for program in built {
        let copy = dist.join(program.file_name().unwrap_or_default());
        std::fs::copy(&program, &copy)?;
        program::say(&format!("built {}", copy.display()));
    }
    Ok(())
}
