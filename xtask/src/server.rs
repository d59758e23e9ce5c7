//! The server: built with the site inside, and started.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::binaries::{Binary, Programs};
use crate::lints::Lints;
use crate::npm;
use crate::setup::{self, Consent};
use crate::site::Site;
use crate::steps::Steps;
use crate::workspace::Workspace;

/// How much time the build takes to make the result small and fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What is installed and tested.
    Release,
    /// What a developer waits for.
    Dev,
}

impl Mode {
    /// For names of folders.
    pub fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }
}

/// Builds the site, then the server with the site inside, and returns the program's path.
///
/// # Errors
/// When something is missing that cannot be installed, or a step fails.
pub fn build(workspace: &Workspace, mode: Mode, consent: Consent) -> anyhow::Result<PathBuf> {
    let programs = Programs::Build {
        workspace,
        consent,
        mode,
    };
    programs.path(Binary::Holdfast)
}

/// The command that starts the program with its data in ./data.
pub fn serve(workspace: &Workspace, binary: &std::path::Path, args: &[String]) -> Command {
    let mut command = Command::new(binary);
    // The data folder is `./data` by the program's own default.
    command
        .current_dir(workspace.root())
        .arg("serve")
        .args(args);
    command
}

/// Builds, then becomes the server: its output, its signals and its exit status are the user's.
///
/// # Errors
/// When the build fails or the program cannot start.
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
        Site::build(workspace, mode, consent, &Lints::off())
    })?;
    let binary = steps.run("building the server", || {
        Binary::Holdfast.build(workspace, mode)
    })?;
    steps.run("starting the server", || {
        let error = serve(workspace, &binary, args).exec();
        Err(error).with_context(|| format!("{} could not start", binary.display()))
    })
}
