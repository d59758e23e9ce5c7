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

/// Returns the command that starts the server with its data in ./data.
pub fn serve(workspace: &Workspace, binary: &std::path::Path, args: &[String]) -> Command {
    let mut command = Command::new(binary);
    // The default data directory of the server is `./data`.
    command
        .current_dir(workspace.root())
        .arg("serve")
        .args(args);
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
