//! The workspace's programs for this machine, built by Cargo.

use std::path::{Path, PathBuf};

use crate::program::{self, Cargo};
use crate::server::Mode;
use crate::workspace::Workspace;

/// Selected in every build, whichever program is wanted: Cargo compiles a dependency with the
/// features that the selected packages need, and another selection would compile it again.
pub const PACKAGES: &[&str] = &["--workspace", "--exclude", "frontend", "--exclude", "xtask"];

/// What can be built.
#[derive(Debug, Clone, Copy)]
pub enum Binary<'a> {
    /// The manager, with this folder's site inside.
    Holdfast(&'a Path),
    /// One of the manager's examples, in the same way.
    Example(&'a str, &'a Path),
    /// What runs on edge hosts.
    Agent,
    /// The site in namespaces.
    Lab,
}

impl Binary<'_> {
    /// Builds it and returns its path.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn build(self, workspace: &Workspace, mode: Mode) -> anyhow::Result<PathBuf> {
        let (kind, name) = match self {
            Self::Holdfast(_) => ("--bin", "holdfast"),
            Self::Example(name, _) => ("--example", name),
            Self::Agent => ("--bin", "holdfast-agent"),
            Self::Lab => ("--bin", "holdfast-lab"),
        };
        let mut cargo = Cargo::Default.command();
        cargo
            .current_dir(workspace.root())
            .args(["build", kind, name])
            .args(PACKAGES);
        // A debug build reads the site when it starts.
        if let (Mode::Release, Self::Holdfast(site) | Self::Example(_, site)) = (mode, self) {
            cargo.env("HOLDFAST_SITE", site);
        }
        let mut path = workspace.native_target()?;
        match mode {
            Mode::Release => {
                cargo.arg("--release");
                path.push("release");
            }
            Mode::Dev => path.push("debug"),
        }
        program::run(&mut cargo)?;
        if matches!(self, Self::Example(..)) {
            path.push("examples");
        }
        Ok(path.join(name))
    }
}
