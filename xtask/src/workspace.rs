//! Paths: the workspace root, Cargo's target directory and the web assets.
//!
//! Only this module joins these paths and lists the tracked files. It must not create or read them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde::Deserialize;

use crate::mode::Mode;
use crate::program::{self, Cargo};

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
    /// Reads the paths from `cargo metadata`, so that CARGO_TARGET_DIR and Cargo's configuration
    /// apply.
    ///
    /// # Errors
    /// If Cargo cannot read the workspace.
    pub fn find() -> anyhow::Result<Self> {
        let mut command = Cargo::Default.command();
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: Metadata = serde_json::from_slice(&program::output(&mut command)?)
            .context("unexpected output of cargo metadata")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
        })
    }

    /// The directory of the root Cargo.toml.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The tracked files that match git's patterns, relative to the root. Files that were deleted
    /// and not committed yet are left out.
    ///
    /// # Errors
    /// If git cannot list the files.
    pub fn tracked_files(&self, patterns: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
        let mut git = Command::new("git");
        git.current_dir(&self.root)
            .args(["ls-files", "-z", "--"])
            .args(patterns);
        let files = program::output(&mut git).context("git cannot list the tracked files")?;
        let files =
            String::from_utf8(files).context("a tracked file has a name that is not UTF-8")?;
        let files = files.split_terminator('\0').map(PathBuf::from);
        Ok(files.filter(|file| self.root.join(file).exists()).collect())
    }

    /// Cargo's target directory.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The target directory of native builds. Cargo uses a subdirectory named after the platform
    /// because .cargo/config.toml sets the target.
    ///
    /// # Errors
    /// If rustc does not report the host platform.
    pub fn native_target(&self) -> anyhow::Result<PathBuf> {
        let version = program::output(Command::new("rustc").arg("-vV"))?;
        let version = String::from_utf8_lossy(&version);
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        Ok(self
            .target
            .join(host.context("`rustc -vV` printed no host")?))
    }

    /// The binaries of the last `cargo xtask build`.
    pub fn dist(&self) -> PathBuf {
        self.target.join("dist")
    }

    /// The target directory of Debian's compiler. Two compilers must not share one.
    pub fn target_of_debian(&self) -> PathBuf {
        self.root.join("target-web")
    }

    /// The cache directory for results of earlier builds.
    pub fn cache(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The web assets' directory, independent of Cargo's target directory. A development build of
    /// the server reads the web assets of [`Mode::Dev`] from this path (`server/build.rs`).
    pub fn web_assets(&self, mode: Mode) -> PathBuf {
        let name = match mode {
            Mode::Release => "web-assets",
            Mode::Dev => "web-assets-dev",
        };
        self.root.join("target").join(name)
    }

    /// The directory with Tailwind and wasm-opt.
    pub fn style(&self) -> PathBuf {
        self.root.join("style")
    }

    /// The directory with the browser tests.
    pub fn end2end(&self) -> PathBuf {
        self.root.join("end2end")
    }
}
