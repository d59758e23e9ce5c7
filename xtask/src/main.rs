//! Developer commands: `cargo xtask run`, `test`, `build`, `dev`, `lab`, `bench` and `shots`.
//!
//! xtask installs missing tools, builds the site and the server, and starts them. It uses only the
//! names of the product's packages and must not depend on any of them.

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

mod assets;
mod bench;
mod binaries;
mod compress;
mod css;
mod deny;
mod dependencies;
mod dev;
mod disk;
mod lab;
mod labeled_output;
mod language;
mod lints;
mod mode;
mod npm;
mod program;
mod server;
mod setup;
mod shrink;
mod site;
mod standalone;
mod steps;
mod test;
mod toolchain;
mod wasm;
mod workspace;

use binaries::Binary;
use mode::Mode;
use setup::Consent;
use workspace::Workspace;

/// Developer's commands for Holdfast.
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
    /// Set up what is needed, build, and start Holdfast with its data in ./data
    Run {
        #[command(flatten)]
        mode: RunMode,
        /// Passed on to `holdfastd serve`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Build the site, the server and the agent of edge hosts
    Build {
        #[command(flatten)]
        mode: ModeArgs,
    },
    /// Build without optimisation, start, and do both again whenever a source file changes
    Dev {
        /// Passed on to `holdfastd serve`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Build a whole site in namespaces of this machine, as root: an edge host, a client, and the
    /// containers of a simulated cluster, each with the real programs
    Lab {
        #[command(flatten)]
        mode: RunMode,
        #[command(flatten)]
        options: lab::Options,
    },
    /// Run every check and test
    Test(test::Options),
    /// Measure: prints lines of `figure value unit`
    Bench {
        #[command(flatten)]
        mode: ModeArgs,
        /// What to measure
        #[arg(value_enum)]
        name: bench::Bench,
        /// Passed on to the measuring program; `--smoke` only shows that it works
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Take screenshots of every page
    Shots {
        #[command(flatten)]
        mode: ModeArgs,
        /// Passed on to the script
        #[arg(last = true)]
        args: Vec<String>,
    },
}

#[derive(Args)]
struct ModeArgs {
    /// Build quickly, without optimisation
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
    /// Build what is installed on servers: optimized, which takes longer
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

/// Builds the server and the agent and copies them into one folder.
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
