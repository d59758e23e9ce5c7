//! Runs Clippy within the normal build, since a separate `cargo clippy` would check every
//! dependency again.
//!
//! Cargo runs the Clippy driver instead of rustc for workspace crates. Lints only warn, so that
//! tests still run. The number of warnings determines the result.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::labeled_output;
use crate::program;
use crate::setup;

/// Separator in `CLIPPY_ARGS`, defined in clippy's src/main.rs.
const SEPARATOR: &str = "__CLIPPY_HACKERY__";

/// Lint configuration of a build, and the collected warnings.
pub struct Lints {
    driver: Option<PathBuf>,
    /// Deduplicated warnings, since a library is also built as a test.
    found: Mutex<BTreeSet<String>>,
}

impl Lints {
    /// A build without Clippy.
    pub fn off() -> Self {
        Self {
            driver: None,
            found: Mutex::default(),
        }
    }

    /// A build with Clippy.
    ///
    /// # Errors
    /// If Clippy is missing and cannot be installed.
    pub fn on() -> anyhow::Result<Self> {
        setup::component("clippy", "clippy")?;
        Self::with_driver()
    }

    fn with_driver() -> anyhow::Result<Self> {
        let sysroot = program::output(Command::new("rustc").args(["--print", "sysroot"]))?;
        let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot).trim());
        let beside = sysroot.join("bin/clippy-driver");
        let driver = match beside.exists() {
            true => beside,
            false => program::find("clippy-driver").context("clippy-driver is missing")?,
        };
        Ok(Self {
            driver: Some(driver),
            found: Mutex::default(),
        })
    }

    /// Whether builds run Clippy.
    pub fn is_enabled(&self) -> bool {
        self.driver.is_some()
    }

    /// Runs a build and collects the warnings of workspace crates. `driver` is the Clippy driver of
    /// a compiler other than the default one.
    ///
    /// # Errors
    /// If the build fails.
    pub fn build(&self, cargo: &mut Command, driver: Option<&Path>) -> anyhow::Result<()> {
        match &self.driver {
            Some(default) => self.run(cargo, driver.unwrap_or(default), |_| {}),
            // Without Clippy, Cargo shows its own progress output.
            None => program::run(cargo),
        }
    }

    /// Runs a build with the default compiler and passes each Cargo message to `inspect`.
    ///
    /// # Errors
    /// If the build fails.
    pub fn build_with(
        &self,
        cargo: &mut Command,
        inspect: impl FnMut(&Value),
    ) -> anyhow::Result<()> {
        match &self.driver {
            Some(driver) => self.run(cargo, driver, inspect),
            None => program::run_cargo(cargo, inspect).map(drop),
        }
    }

    fn run(
        &self,
        cargo: &mut Command,
        driver: &Path,
        inspect: impl FnMut(&Value),
    ) -> anyhow::Result<()> {
        cargo
            .env("RUSTC_WORKSPACE_WRAPPER", driver)
            .env("CLIPPY_ARGS", format!("--cap-lints=warn{SEPARATOR}"));
        let warnings = program::run_cargo(cargo, inspect)?;
        if let Ok(mut found) = self.found.lock() {
            found.extend(warnings);
        }
        Ok(())
    }

    /// Fails if any build produced warnings.
    ///
    /// # Errors
    /// Contains the number of warnings. Each warning is printed again.
    pub fn check(&self) -> anyhow::Result<()> {
        let Ok(found) = self.found.lock() else {
            bail!("a build with lints panicked");
        };
        for warning in found.iter() {
            labeled_output::print(warning);
        }
        match found.len() {
            0 => Ok(()),
            count => bail!("lint warnings: {count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a package with one line that causes a Clippy warning and no compiler warning.
    fn package(folder: &Path) {
        std::fs::create_dir(folder.join("src")).expect("a directory");
        let manifest = "[package]\nname = \"lintable\"\nedition = \"2024\"\n[workspace]\n";
        std::fs::write(folder.join("Cargo.toml"), manifest).expect("written");
        let source = "pub fn is_blank(text: &str) -> bool {\n    text.len() == 0\n}\n";
        std::fs::write(folder.join("src/lib.rs"), source).expect("written");
    }

    #[test]
    fn build_with_lints_fails_on_a_warning() {
        let folder = tempfile::tempdir().expect("a directory");
        package(folder.path());
        let lints = Lints::with_driver().expect("Clippy, which the lints of this project need too");
        let mut cargo = program::Cargo::Default.command();
        cargo
            .current_dir(folder.path())
            .args(["test", "--no-run", "--offline", "--target-dir"])
            .arg(folder.path().join("target"));
        lints.build(&mut cargo, None).expect("built");
        let error = lints.check().expect_err("a warning");
        assert_eq!(error.to_string(), "lint warnings: 1");
    }
}
