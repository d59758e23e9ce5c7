//! What the parts of a run test, built once: in the order in which it is needed, while parts whose
//! programs are ready already run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};

use super::Part;
use super::report::Report;
use crate::binaries::{Binary, Executable, PACKAGES, Programs};
use crate::lane;
use crate::lints::Lints;
use crate::program::Cargo;
use crate::server::Mode;
use crate::setup::Consent;
use crate::site::Site;
use crate::workspace::Workspace;

/// Something that is built once and waited for by those who need it.
struct Slot<T>(OnceLock<Built<T>>);

struct Built<T> {
    took: Duration,
    result: Result<T, String>,
}

impl<T> Slot<T> {
    fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Runs the build. One that panics has failed: nothing may wait for it for ever.
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
        // Only the building thread fills a slot, and each one once.
        let _ = self.0.set(Built { took, result });
    }

    /// Waits until it is built.
    fn get(&self) -> anyhow::Result<&T> {
        let result = self.0.wait().result.as_ref();
        result.map_err(|error| anyhow!("build failed: {error}"))
    }

    /// Waits until it is built, and adds how long the build took, and the wait, to the report.
    fn wait(&self, report: &mut Report) -> anyhow::Result<&T> {
        let begin = Instant::now();
        report.build += self.0.wait().took;
        report.waited += begin.elapsed();
        self.get()
    }
}

/// Everything that a run builds. In a run with a release, the rest is built in the profile `bench`: with
/// the release's dependencies, which are compiled once then.
pub struct Builds<'a> {
    workspace: &'a Workspace,
    consent: Consent,
    mode: Mode,
    lints: Lints,
    native: Slot<Vec<Executable>>,
    site: Slot<Site>,
    release: Slot<PathBuf>,
}

impl<'a> Builds<'a> {
    /// Nothing is built yet.
    ///
    /// # Errors
    /// When Clippy is missing and cannot be installed.
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
            site: Slot::new(),
            release: Slot::new(),
        })
    }

    /// Builds what the parts need, in the order in which they run. What is built while tests run
    /// gives way to them. The site, which has a target folder of its own, takes what time the first
    /// build leaves.
    pub fn build(&self, parts: &[Part]) {
        let needs = |need: fn(Part) -> bool| parts.iter().copied().any(need);
        let label = lane::current();
        std::thread::scope(|scope| {
            if needs(Part::needs_site) {
                scope.spawn(|| {
                    label.inspect(|label| lane::enter(label));
                    lane::give_way();
                    self.site.fill(|| self.build_site());
                });
            }
            if needs(Part::needs_native) {
                let has_tests = parts.contains(&Part::Unit) || parts.contains(&Part::Clippy);
                self.native.fill(|| self.build_native(has_tests));
            }
            lane::give_way();
            if needs(Part::needs_release) {
                self.release.fill(|| self.build_release());
            }
        });
    }

    /// The warnings of all builds that are done with Clippy.
    ///
    /// # Errors
    /// When a build failed, or there are any.
    pub fn lints(&self, report: &mut Report) -> anyhow::Result<()> {
        self.native.wait(report)?;
        self.site.wait(report)?;
        self.lints.verdict()
    }

    /// The programs of the workspace and its tests.
    ///
    /// # Errors
    /// When their build failed.
    pub fn native(&self, report: &mut Report) -> anyhow::Result<&[Executable]> {
        self.native.wait(report).map(Vec::as_slice)
    }

    /// The programs that were built with the tests, and the site that they serve.
    ///
    /// # Errors
    /// When a build failed.
    pub fn programs(&self, report: &mut Report) -> anyhow::Result<Programs<'_>> {
        self.site.wait(report)?;
        self.native(report).map(Programs::Built)
    }

    /// The release program, with its site inside.
    ///
    /// # Errors
    /// When its build failed.
    pub fn release(&self, report: &mut Report) -> anyhow::Result<&Path> {
        self.release.wait(report).map(PathBuf::as_path)
    }

    /// Compiles the workspace's programs and examples, and tests if they are needed. xtask is built
    /// on its own, as `cargo xtask` does: its dependencies would otherwise be compiled with other
    /// features again.
    fn build_native(&self, has_tests: bool) -> anyhow::Result<Vec<Executable>> {
        let mut programs = self.cargo(&["build", "--bins", "--examples"]);
        if !has_tests {
            return self.run(self.in_profile(&mut programs));
        }
        let mut tests = self.cargo(&["test", "--no-run"]);
        let mut built = self.run(self.in_profile(&mut tests))?;
        // Cargo builds a program beside its tests only where its package has integration tests.
        built.extend(self.run(self.in_profile(&mut programs))?);
        let mut xtask = self.cargo(&["test", "--no-run", "--package", "xtask"]);
        built.extend(self.run(&mut xtask)?);
        Ok(built)
    }

    /// Builds the site that all parts serve: the one of the release, if that is built at all.
    fn build_site(&self) -> anyhow::Result<Site> {
        let site = Site::build(self.workspace, self.mode, self.consent, &self.lints)?;
        if self.mode == Mode::Release {
            site.copy_for_development(self.workspace)?;
        }
        Ok(site)
    }

    fn build_release(&self) -> anyhow::Result<PathBuf> {
        if self.site.get().is_err() {
            bail!("the site was not built");
        }
        Binary::Holdfast.build(self.workspace, Mode::Release)
    }

    fn cargo(&self, args: &[&str]) -> Command {
        let mut cargo = Cargo::Default.command();
        cargo
            .current_dir(self.workspace.root())
            // Nothing here is built a second time, so what makes that quick is left out.
            .env("CARGO_INCREMENTAL", "0")
            .args(args);
        cargo
    }

    /// Selects all packages and the profile: `dev`, or `bench` beside a release.
    fn in_profile<'c>(&self, cargo: &'c mut Command) -> &'c mut Command {
        cargo.args(PACKAGES);
        if self.mode == Mode::Release {
            // These programs lie apart from the release's, which replaces its own while tests run.
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
    fn a_build_that_panics_has_failed() {
        let slot: Slot<()> = Slot::new();
        slot.fill(|| panic!("as a library may"));
        let error = slot.get().expect_err("it panicked");
        assert!(error.to_string().contains("panicked"), "{error}");
    }

    /// One that is missing is compiled with the release's optimization, which takes minutes.
    #[test]
    fn every_package_of_our_own_is_quick_to_build_for_tests() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("readable");
        let manifest: toml::Table = toml::from_str(&manifest).expect("TOML");
        let quick = manifest["profile"]["bench"]["package"].as_table();
        let quick: BTreeSet<String> = quick.expect("a table").keys().cloned().collect();
        let crates = std::fs::read_dir(root.join("crates")).expect("readable");
        let crates = crates.map(|entry| entry.expect("readable").file_name());
        let mut own: BTreeSet<String> = crates.filter_map(|name| name.into_string().ok()).collect();
        own.extend(["app", "server"].map(str::to_owned));
        assert_eq!(quick, own);
    }
}
