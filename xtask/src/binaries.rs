//! Builds the workspace's native binaries with Cargo.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::lints::Lints;
use crate::mode::Mode;
use crate::program::{self, Cargo};
use crate::setup::{self, Consent};
use crate::web_assets::WebAssets;
use crate::workspace::Workspace;

/// Package selection of every build. Feature unification depends on the selected packages, so a
/// different selection would recompile dependencies.
pub const PACKAGES: &[&str] = &["--workspace", "--exclude", "frontend", "--exclude", "xtask"];

/// A binary of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// The server, `holdfastd`.
    Server,
    /// The agent for edge hosts.
    Agent,
    /// The lab: a site in network namespaces.
    Lab,
    /// A benchmark.
    Example(&'static str),
}

impl Binary {
    /// The target's name and the Cargo option for its kind.
    fn target(self) -> (&'static str, &'static str) {
        match self {
            Self::Server => ("holdfastd", "--bin"),
            Self::Agent => ("holdfast-agent", "--bin"),
            Self::Lab => ("holdfast-lab", "--bin"),
            Self::Example(name) => (name, "--example"),
        }
    }

    /// Whether a release build embeds the web assets.
    fn has_site(self) -> bool {
        matches!(self, Self::Server | Self::Example(_))
    }

    /// Builds the binary and returns its path. The web assets must be built already.
    ///
    /// # Errors
    /// If the build fails.
    pub fn build(self, workspace: &Workspace, mode: Mode) -> anyhow::Result<PathBuf> {
        let (name, kind) = self.target();
        let mut cargo = Cargo::Default.command();
        cargo
            .current_dir(workspace.root())
            .args(["build", kind, name])
            .args(PACKAGES);
        let mut path = workspace.native_target()?;
        match mode {
            Mode::Release => {
                cargo.arg("--release");
                if self.has_site() {
                    cargo.env("HOLDFAST_WEB_ASSETS", workspace.web_assets(mode));
                }
                path.push("release");
            }
            // A development build reads the web assets at startup.
            Mode::Dev => path.push("debug"),
        }
        program::run(&mut cargo)?;
        if matches!(self, Self::Example(_)) {
            path.push("examples");
        }
        Ok(path.join(name))
    }
}

/// The source of binaries.
pub enum Programs<'a> {
    /// Builds each binary on request, including the web assets.
    Build {
        /// The workspace to build.
        workspace: &'a Workspace,
        /// Whether missing tools may be installed.
        consent: Consent,
        /// The build mode.
        mode: Mode,
    },
    /// All binaries and the web assets were built by a test run.
    Built(&'a [Executable]),
}

impl Programs<'_> {
    /// Returns the path of a binary, and builds it if necessary.
    ///
    /// # Errors
    /// If the build fails.
    pub fn path(&self, binary: Binary) -> anyhow::Result<PathBuf> {
        match self {
            Self::Build {
                workspace,
                consent,
                mode,
            } => {
                setup::ensure(setup::BUILD, *consent)?;
                if binary.has_site() {
                    WebAssets::build(workspace, *mode, *consent, &Lints::off())?;
                }
                binary.build(workspace, *mode)
            }
            Self::Built(built) => {
                let (name, _) = binary.target();
                let mut programs = built.iter().filter(|built| !built.is_test);
                let program = programs.find(|built| built.name == name);
                Ok(program
                    .with_context(|| format!("Cargo built no {name}"))?
                    .path
                    .clone())
            }
        }
    }
}

/// An executable that Cargo built.
#[derive(Debug, Clone)]
pub struct Executable {
    /// The package's directory, which is the working directory of its tests.
    pub folder: PathBuf,
    /// The name of the package's directory.
    pub package: String,
    /// The name of the Cargo target.
    pub name: String,
    /// Whether this is a test executable.
    pub is_test: bool,
    /// The path of the executable.
    pub path: PathBuf,
}

impl Executable {
    /// Parses an artifact message of Cargo
    /// (<https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages>).
    pub fn from_message(message: &Value) -> Option<Self> {
        let text = |pointer: &str| message.pointer(pointer)?.as_str();
        let path = text("/executable")?;
        let manifest = Path::new(text("/manifest_path")?);
        let folder = manifest.parent()?.to_owned();
        Some(Self {
            package: folder.file_name()?.to_string_lossy().into_owned(),
            folder,
            name: text("/target/name")?.to_owned(),
            is_test: message.pointer("/profile/test")?.as_bool()?,
            path: path.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executable_is_parsed_from_cargo_message() {
        let message = serde_json::json!({
            "reason": "compiler-artifact",
            "manifest_path": "/src/crates/edge/Cargo.toml",
            "target": { "name": "real" },
            "profile": { "test": true },
            "executable": "/target/debug/deps/real-1",
        });
        let executable = Executable::from_message(&message).expect("an executable");
        assert_eq!(
            (executable.package.as_str(), executable.name.as_str()),
            ("edge", "real")
        );
        assert_eq!(executable.folder, Path::new("/src/crates/edge"));
        assert!(executable.is_test);
        let library = serde_json::json!({ "executable": null });
        assert!(Executable::from_message(&library).is_none());
    }

    #[test]
    fn program_is_distinguished_from_test_of_same_name() {
        let executable = |is_test, path: &str| Executable {
            folder: "/src/server".into(),
            package: "server".to_owned(),
            name: "holdfastd".to_owned(),
            is_test,
            path: path.into(),
        };
        let built = [executable(true, "/test"), executable(false, "/program")];
        let programs = Programs::Built(&built);
        let path = programs.path(Binary::Server).expect("the program");
        assert_eq!(path, Path::new("/program"));
        assert!(programs.path(Binary::Agent).is_err());
    }
}
