//! Clippy in the same build as everything else: a second pass of `cargo clippy` would check every
//! dependency again.
//!
//! Cargo calls the lint driver in the compiler's place for the workspace's own crates. Lints only
//! warn there, so that one that fires does not keep the tests from running; the count decides.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::lane;
use crate::program;
use crate::setup;

/// What Clippy's driver takes its arguments apart by (clippy's src/main.rs).
const SEPARATOR: &str = "__CLIPPY_HACKERY__";

/// Whether a build looks for lints, and what it found.
pub struct Lints {
    driver: Option<PathBuf>,
    /// Each once: a library is also built as a test.
    found: Mutex<BTreeSet<String>>,
}

impl Lints {
    /// A build as Cargo makes it by default.
    pub fn off() -> Self {
        Self {
            driver: None,
            found: Mutex::default(),
        }
    }

    /// A build with Clippy.
    ///
    /// # Errors
    /// When Clippy is missing and cannot be installed.
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

    /// Whether builds look for lints.
    pub fn are_on(&self) -> bool {
        self.driver.is_some()
    }

    /// Runs a build and collects the warnings of the workspace's own crates. Another compiler than
    /// the usual one has a driver of its own.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build(&self, cargo: &mut Command, driver: Option<&Path>) -> anyhow::Result<()> {
        match &self.driver {
            Some(usual) => self.run(cargo, driver.unwrap_or(usual), |_| {}),
            // Cargo's own display, with its progress.
            None => program::run(cargo),
        }
    }

    /// Runs a build with the usual compiler and hands each of Cargo's messages to `inspect`.
    ///
    /// # Errors
    /// When the build fails.
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

    /// Fails when a build found anything.
    ///
    /// # Errors
    /// How many warnings there are; each is shown where it was found and again here.
    pub fn verdict(&self) -> anyhow::Result<()> {
        let Ok(found) = self.found.lock() else {
            bail!("a build with lints panicked");
        };
        for warning in found.iter() {
            lane::print(warning);
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

    /// A package with one line that Clippy warns of and the compiler does not.
    fn package(folder: &Path) {
        std::fs::create_dir(folder.join("src")).expect("a folder");
        let manifest = "[package]\nname = \"lintable\"\nedition = \"2024\"\n[workspace]\n";
        std::fs::write(folder.join("Cargo.toml"), manifest).expect("written");
        let source = "pub fn is_blank(text: &str) -> bool {\n    text.len() == 0\n}\n";
        std::fs::write(folder.join("src/lib.rs"), source).expect("written");
    }

    #[test]
    fn a_build_with_lints_finds_one_and_fails_by_it() {
        let folder = tempfile::tempdir().expect("a folder");
        package(folder.path());
        let lints = Lints::with_driver().expect("Clippy, which the lints of this project need too");
        let mut cargo = program::Cargo::Default.command();
        cargo
            .current_dir(folder.path())
            .args(["test", "--no-run", "--offline", "--target-dir"])
            .arg(folder.path().join("target"));
        lints.build(&mut cargo, None).expect("built");
        let error = lints.verdict().expect_err("a warning");
        assert_eq!(error.to_string(), "lint warnings: 1");
    }
}
