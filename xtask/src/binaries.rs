//! The workspace's programs for this machine, built by Cargo.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::lints::Lints;
use crate::program::{self, Cargo};
use crate::server::Mode;
use crate::setup::{self, Consent};
use crate::site::Site;
use crate::workspace::Workspace;

/// Selected in every build, whichever program is wanted: Cargo compiles a dependency with the
/// features that the selected packages need, and another selection would compile it again.
pub const PACKAGES: &[&str] = &["--workspace", "--exclude", "frontend", "--exclude", "xtask"];

/// What can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// The manager.
    Holdfast,
    /// What runs on edge hosts.
    Agent,
    /// The site in namespaces.
    Lab,
    /// A program that measures.
    Example(&'static str),
}

impl Binary {
    /// Its name and its kind, as an option of Cargo.
    fn target(self) -> (&'static str, &'static str) {
        match self {
            Self::Holdfast => ("holdfast", "--bin"),
            Self::Agent => ("holdfast-agent", "--bin"),
            Self::Lab => ("holdfast-lab", "--bin"),
            Self::Example(name) => (name, "--example"),
        }
    }

    /// Whether a release build has the site inside.
    fn has_site(self) -> bool {
        matches!(self, Self::Holdfast | Self::Example(_))
    }

    /// Builds it, the site being built already, and returns its path.
    ///
    /// # Errors
    /// When it cannot be built.
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
                    cargo.env("HOLDFAST_SITE", workspace.site(mode));
                }
                path.push("release");
            }
            // A development build reads the site when it starts.
            Mode::Dev => path.push("debug"),
        }
        program::run(&mut cargo)?;
        if matches!(self, Self::Example(_)) {
            path.push("examples");
        }
        Ok(path.join(name))
    }
}

/// Where programs come from.
pub enum Programs<'a> {
    /// Each is built when it is asked for, with the site.
    Build {
        /// Where.
        workspace: &'a Workspace,
        /// Whether tools may be installed for it.
        consent: Consent,
        /// How.
        mode: Mode,
    },
    /// A run of the tests has built all of them, and the site.
    Built(&'a [Executable]),
}

impl Programs<'_> {
    /// The path of a program.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn path(&self, binary: Binary) -> anyhow::Result<PathBuf> {
        match self {
            Self::Build {
                workspace,
                consent,
                mode,
            } => {
                setup::ensure(setup::BUILD, *consent)?;
                if binary.has_site() {
                    Site::build(workspace, *mode, *consent, &Lints::off())?;
                }
                binary.build(workspace, *mode)
            }
            Self::Built(built) => {
                let (name, _) = binary.target();
                let mut programs = built.iter().filter(|built| !built.is_test);
                let found = programs.find(|built| built.name == name);
                Ok(found
                    .with_context(|| format!("Cargo built no {name}"))?
                    .path
                    .clone())
            }
        }
    }
}

/// A program that Cargo built.
#[derive(Debug, Clone)]
pub struct Executable {
    /// The folder of its package, in which Cargo runs tests.
    pub folder: PathBuf,
    /// The name of its package's folder.
    pub package: String,
    /// The name of its target.
    pub name: String,
    /// Whether it is a test.
    pub is_test: bool,
    /// Where it lies.
    pub path: PathBuf,
}

impl Executable {
    /// The executable that a message of Cargo announces
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
    fn an_executable_is_read_from_a_message_of_cargo() {
        let message = serde_json::json!({
            "reason": "compiler-artifact",
            "manifest_path": "/src/crates/edge/Cargo.toml",
            "target": { "name": "real" },
            "profile": { "test": true },
            "executable": "/target/debug/deps/real-1",
        });
        let found = Executable::from_message(&message).expect("an executable");
        assert_eq!(
            (found.package.as_str(), found.name.as_str()),
            ("edge", "real")
        );
        assert_eq!(found.folder, Path::new("/src/crates/edge"));
        assert!(found.is_test);
        let library = serde_json::json!({ "executable": null });
        assert!(Executable::from_message(&library).is_none());
    }

    #[test]
    fn a_built_program_is_found_by_its_name_among_tests() {
        let executable = |is_test, path: &str| Executable {
            folder: "/src/server".into(),
            package: "server".to_owned(),
            name: "holdfast".to_owned(),
            is_test,
            path: path.into(),
        };
        let built = [executable(true, "/test"), executable(false, "/program")];
        let programs = Programs::Built(&built);
        let path = programs.path(Binary::Holdfast).expect("the program");
        assert_eq!(path, Path::new("/program"));
        assert!(programs.path(Binary::Agent).is_err());
    }
}
