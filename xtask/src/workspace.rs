//! Where things lie: the workspace's root, Cargo's target folder, the site.
//!
//! The only place that joins these paths; it neither creates nor reads what lies there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde::Deserialize;

use crate::program::{self, Cargo};
use crate::server::Mode;

/// The workspace on disk.
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl Workspace {
    /// Asks Cargo, so that CARGO_TARGET_DIR and Cargo's configuration count as they do for Cargo.
    ///
    /// # Errors
    /// When Cargo cannot read the workspace.
    pub fn find() -> anyhow::Result<Self> {
        let mut command = Cargo::Default.command();
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: Metadata = serde_json::from_slice(&program::output(&mut command)?)
            .context("cargo metadata answered something unexpected")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
        })
    }

    /// The folder of the root Cargo.toml.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The folder of what is built for this machine: .cargo/config.toml names the platform, so Cargo
    /// puts it below a folder of that name.
    ///
    /// # Errors
    /// When the compiler does not say which platform this is.
    pub fn native_target(&self) -> anyhow::Result<PathBuf> {
        let about = program::output(Command::new("rustc").arg("-vV"))?;
        let about = String::from_utf8_lossy(&about);
        let host = about.lines().find_map(|line| line.strip_prefix("host: "));
        Ok(self.target.join(host.context("`rustc -vV` names no host")?))
    }

    /// The programs of the last `cargo xtask build`.
    pub fn dist(&self) -> PathBuf {
        self.target.join("dist")
    }

    /// The target folder of Debian's compiler; two compilers must not share one.
    pub fn target_of_debian(&self) -> PathBuf {
        self.root.join("target-web")
    }

    /// Results of earlier steps, kept so that a second build is quick.
    pub fn cache(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The finished site: always here, wherever Cargo's target folder is. A development
    /// build of the server reads the one of [`Mode::Dev`] from this path (`server/build.rs`).
    pub fn site(&self, mode: Mode) -> PathBuf {
        let name = match mode {
            Mode::Release => "site",
            Mode::Dev => "site-dev",
        };
        self.root.join("target").join(name)
    }

    /// The folder with Tailwind and wasm-opt.
    pub fn style(&self) -> PathBuf {
        self.root.join("style")
    }

    /// The folder with the browser tests.
    pub fn end2end(&self) -> PathBuf {
        self.root.join("end2end")
    }
}
