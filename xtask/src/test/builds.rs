//! Builds of a test run: each binary is built once, in the order of use, while parts whose binaries
//! are ready already run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};

use super::Part;
use crate::binaries::{Binary, Executable, PACKAGES, Programs};
use crate::labeled_output;
use crate::lints::Lints;
use crate::mode::Mode;
use crate::program::Cargo;
use crate::report::Report;
use crate::setup::Consent;
use crate::web_assets::WebAssets;
use crate::workspace::Workspace;

/// A build result that is set once and that several parts can wait for.
struct Slot<T>(OnceLock<BuildResult<T>>);

struct BuildResult<T> {
    took: Duration,
    result: Result<T, String>,
}

impl<T> Slot<T> {
    fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Runs the build and stores its result. A panic is stored as a failure, so that no part waits
    /// forever.
    fn fill(&self, build: impl FnOnce() -> anyhow::Result<T>) {
        let start = Instant::now();
        let result = match catch_unwind(AssertUnwindSafe(build)) {
            Ok(built) => built.map_err(|error| format!("{error:#}")),
            Err(_) => Err("it panicked".to_owned()),
        };
        if let Err(error) = &result {
            crate::program::say(&format!("build failed: {error}"));
        }
        let took = start.elapsed();
        // Only the build thread fills slots, each one once.
        let _ = self.0.set(BuildResult { took, result });
    }

    /// Waits for the build result.
    fn get(&self) -> anyhow::Result<&T> {
        let result = self.0.wait().result.as_ref();
        result.map_err(|error| anyhow!("build failed: {error}"))
    }

    /// Waits for the build result and adds the build time and the waiting time to the report.
    fn wait(&self, report: &mut Report) -> anyhow::Result<&T> {
        let begin = Instant::now();
        report.build += self.0.wait().took;
        report.waited += begin.elapsed();
        self.get()
    }
}

/// All builds of a run. If the run includes a release build, the other binaries use the profile
/// `bench`, so that dependencies are compiled only once.
pub struct Builds<'a> {
    workspace: &'a Workspace,
    consent: Consent,
    mode: Mode,
    lints: Lints,
    native: Slot<Vec<Executable>>,
    web_assets: Slot<WebAssets>,
    release: Slot<PathBuf>,
}

impl<'a> Builds<'a> {
    /// Creates the builds without starting them.
    ///
    /// # Errors
    /// If Clippy is missing and cannot be installed.
    pub fn new(workspace: &'a Workspace, consent: Consent, parts: &[Part]) -> anyhow::Result<Self> {
        let lints = match parts.contains(&Part::Clippy) {
            true => Lints::on()?,
            false => Lints::off(),
        };
        let mode = match parts.iter().any(|part| part.needs_release()) {
            true => Mode::Release,
            false => Mode::Dev,
        };
        Ok(Self {
            workspace,
            consent,
            mode,
            lints,
            native: Slot::new(),
            web_assets: Slot::new(),
            release: Slot::new(),
        })
    }

    /// Builds everything that the parts need, in the order in which they run. Builds that run
    /// concurrently with tests have a lower priority. The web assets have their own target
    /// directory and are built at low priority beside the first build.
    pub fn build(&self, parts: &[Part]) {
        let needs = |need: fn(Part) -> bool| parts.iter().copied().any(need);
        let label = labeled_output::label();
        std::thread::scope(|scope| {
            if needs(Part::needs_site) {
                scope.spawn(|| {
                    label.inspect(|label| labeled_output::set_label(label));
                    labeled_output::lower_priority();
                    self.web_assets.fill(|| self.build_web_assets());
                });
            }
            if needs(Part::needs_native) {
                let has_tests = parts.contains(&Part::Unit) || parts.contains(&Part::Clippy);
                self.native.fill(|| self.build_native(has_tests));
            }
            labeled_output::lower_priority();
            if needs(Part::needs_release) {
                self.release.fill(|| self.build_release());
            }
        });
    }

    /// Checks the warnings of all builds with Clippy.
    ///
    /// # Errors
    /// If a build failed or there are warnings.
    pub fn lints(&self, report: &mut Report) -> anyhow::Result<()> {
        self.native.wait(report)?;
        self.web_assets.wait(report)?;
        self.lints.check()
    }

    /// Returns the workspace's binaries and tests.
    ///
    /// # Errors
    /// If the build failed.
    pub fn native(&self, report: &mut Report) -> anyhow::Result<&[Executable]> {
        self.native.wait(report).map(Vec::as_slice)
    }

    /// Returns the binaries that were built with the tests, after the web assets are built.
    ///
    /// # Errors
    /// If a build failed.
    pub fn programs(&self, report: &mut Report) -> anyhow::Result<Programs<'_>> {
        self.web_assets.wait(report)?;
        self.native(report).map(Programs::Built)
    }

    /// Returns the release binary with its embedded web assets.
    ///
    /// # Errors
    /// If the build failed.
    pub fn release(&self, report: &mut Report) -> anyhow::Result<&Path> {
        self.release.wait(report).map(PathBuf::as_path)
    }

    /// Compiles the workspace's binaries, examples and, if needed, tests. xtask is built
    /// separately, as by `cargo xtask`, since other features would recompile its dependencies.
    fn build_native(&self, has_tests: bool) -> anyhow::Result<Vec<Executable>> {
        let mut programs = self.cargo(&["build", "--bins", "--examples"]);
        if !has_tests {
            return self.run(self.in_profile(&mut programs));
        }
        let mut tests = self.cargo(&["test", "--no-run"]);
        let mut built = self.run(self.in_profile(&mut tests))?;
        // `cargo test` builds a binary only if its package has integration tests.
        built.extend(self.run(self.in_profile(&mut programs))?);
        let mut xtask = self.cargo(&["test", "--no-run", "--package", "xtask"]);
        built.extend(self.run(&mut xtask)?);
        Ok(built)
    }

    /// Builds the web assets that all parts serve, in release mode if the run includes a release
    /// build.
    fn build_web_assets(&self) -> anyhow::Result<WebAssets> {
        let web_assets = WebAssets::build(self.workspace, self.mode, self.consent, &self.lints)?;
        if self.mode == Mode::Release {
            web_assets.copy_for_development(self.workspace)?;
        }
        Ok(web_assets)
    }

    fn build_release(&self) -> anyhow::Result<PathBuf> {
        if self.web_assets.get().is_err() {
            bail!("the web assets were not built");
        }
        Binary::Server.build(self.workspace, Mode::Release)
    }

    fn cargo(&self, args: &[&str]) -> Command {
        let mut cargo = Cargo::Default.command();
        cargo
            .current_dir(self.workspace.root())
            // A test run builds each crate once, so incremental compilation has no benefit.
            .env("CARGO_INCREMENTAL", "0")
            .args(args);
        cargo
    }

    /// Selects all packages and the profile: `dev`, or `bench` in a run with a release build.
    fn in_profile<'c>(&self, cargo: &'c mut Command) -> &'c mut Command {
        cargo.args(PACKAGES);
        if self.mode == Mode::Release {
            // A separate target directory, since the release build replaces its binaries while
            // tests run.
            cargo
                .args(["--profile", "bench", "--target-dir"])
                .arg(self.workspace.target().join("tests"))
                .env("CARGO_BUILD_BUILD_DIR", self.workspace.target());
        }
        cargo
    }

    fn run(&self, cargo: &mut Command) -> anyhow::Result<Vec<Executable>> {
        let mut built = Vec::new();
        self.lints.build_with(cargo, |message| {
            built.extend(Executable::from_message(message))
        })?;
        Ok(built)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn panicking_build_is_a_failure() {
        let slot: Slot<()> = Slot::new();
        slot.fill(|| panic!("a panic in a library"));
        let error = slot.get().expect_err("it panicked");
        assert!(error.to_string().contains("panicked"), "{error}");
    }

    /// A missing package would be compiled with release optimization, which takes minutes.
    #[test]
    fn bench_profile_lists_every_workspace_package() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("readable");
        let manifest: toml::Table = toml::from_str(&manifest).expect("TOML");
        let listed = manifest["profile"]["bench"]["package"].as_table();
        let listed: BTreeSet<String> = listed.expect("a table").keys().cloned().collect();
        let crates = std::fs::read_dir(root.join("crates")).expect("readable");
        let crates = crates.map(|entry| entry.expect("readable").file_name());
        let mut own: BTreeSet<String> = crates.filter_map(|name| name.into_string().ok()).collect();
        own.extend(["app", "server"].map(str::to_owned));
        assert_eq!(listed, own);
    }
}
