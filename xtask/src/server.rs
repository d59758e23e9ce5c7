//! Builds the server with the embedded web assets and starts it.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::binaries::{Binary, Programs};
use crate::lints::Lints;
use crate::mode::Mode;
use crate::npm;
use crate::setup::{self, Consent};
use crate::steps::Steps;
use crate::web_assets::WebAssets;
use crate::workspace::Workspace;

/// Builds the web assets and the server that embeds them, and returns the program's path.
///
/// # Errors
/// If a required package cannot be installed or a step fails.
pub fn build(workspace: &Workspace, mode: Mode, consent: Consent) -> anyhow::Result<PathBuf> {
    let programs = Programs::Build {
        workspace,
        consent,
        mode,
    };
    programs.path(Binary::Server)
}

/// The variable that selects the demo. The options and the configuration file of the server name it
/// as well.
const DEMO: &str = "HOLDFAST_DEMO";

/// Returns the command that starts the server with its data in ./data, and with the demo unless the
/// environment or a configuration file decides about it.
pub fn serve(workspace: &Workspace, binary: &std::path::Path, args: &[String]) -> Command {
    let mut command = Command::new(binary);
    // The default data directory of the server is `./data`.
    command
        .current_dir(workspace.root())
        .arg("serve")
        .args(args);
    let is_set = |name| std::env::var_os(name).is_some();
    let has_file = args.iter().any(|arg| arg.starts_with("--config"));
    if !has_file && !is_set("HOLDFAST_CONFIG") && !is_set(DEMO) {
        command.env(DEMO, "true");
    }
    command
}

/// Builds the server and replaces this process with it, so that output, signals and exit status are
/// passed through.
///
/// # Errors
/// If the build fails or the program cannot start.
pub fn run(
    workspace: &Workspace,
    mode: Mode,
    consent: Consent,
    args: &[String],
) -> anyhow::Result<()> {
    let mut steps = Steps::new(4);
    steps.run("system packages and tools", || {
        setup::ensure(setup::BUILD, consent)?;
        npm::ensure(&workspace.style())
    })?;
    steps.run("building the web application", || {
        WebAssets::build(workspace, mode, consent, &Lints::off())
    })?;
    let binary = steps.run("building the server", || {
        Binary::Server.build(workspace, mode)
    })?;
    steps.run("starting the server", || {
        let error = serve(workspace, &binary, args).exec();
        Err(error).with_context(|| format!("{} could not start", binary.display()))
    })
}
