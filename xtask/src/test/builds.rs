//! What the parts of a run test, built once and in one profile: in the order in which it is needed,
//! while parts whose programs are ready already run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::Part;
use super::report::Report;
use crate::binaries::{Executable, PACKAGES, Programs};
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

/// Everything that a run builds, in one profile.
pub struct Builds<'a> {
    workspace: &'a Workspace,
    consent: Consent,
    mode: Mode,
    lints: Lints,
    early: Slot<Vec<Executable>>,
    native: Slot<Vec<Executable>>,
    site: Slot<Site>,
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
            early: Slot::new(),
            native: Slot::new(),
            site: Slot::new(),
        })
    }

    /// Builds what the parts need. The site has a compiler, and a target folder, of its own, so it is
    /// built beside the tests that do not need it. What is built while these run gives way to them.
    pub fn build(&self, parts: &[Part]) {
        let needs = |need: fn(Part) -> bool| parts.iter().copied().any(need);
        let label = lane::current();
        std::thread::scope(|scope| {
            if needs(Part::needs_site) {
                scope.spawn(|| {
                    label.inspect(|label| lane::enter(label));
                    self.site
                        .fill(|| Site::build(self.workspace, self.mode, self.consent, &self.lints));
                });
            }
            if needs(Part::needs_native) {
                let has_tests = parts.contains(&Part::Unit) || parts.contains(&Part::Clippy);
                let has_site = needs(Part::needs_site);
                if has_tests {
                    self.early.fill(|| self.build_early());
                    lane::give_way();
                }
                self.native.fill(|| self.build_native(has_tests, has_site));
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

    /// The tests that are ready first.
    ///
    /// # Errors
    /// When their build failed.
    pub fn early_tests(&self, report: &mut Report) -> anyhow::Result<Vec<&Executable>> {
        Ok(only_tests(self.early.wait(report)?).collect())
    }

    /// The other tests.
    ///
    /// # Errors
    /// When their build failed.
    pub fn late_tests(&self) -> anyhow::Result<Vec<&Executable>> {
        let early = self.early.get()?;
        let is_new = |built: &&Executable| early.iter().all(|early| early.path != built.path);
        Ok(only_tests(self.native.get()?).filter(is_new).collect())
    }

    /// The programs, with the site that they serve.
    ///
    /// # Errors
    /// When a build failed.
    pub fn programs(&self, report: &mut Report) -> anyhow::Result<Programs<'_>> {
        self.native.wait(report).map(|built| Programs::Built(built))
    }

    /// Compiles the tests that have a program of their own and do not test the server, which has the
    /// site inside: the longest ones are among them.
    fn build_early(&self) -> anyhow::Result<Vec<Executable>> {
        let mut cargo = self.cargo("test");
        cargo.arg("--no-run").args(PACKAGES);
        for test in self.workspace.tests_without(&["server", "xtask"]) {
            cargo.args(["--test", test]);
        }
        self.run(&mut cargo)
    }

    /// Compiles the workspace's programs and examples, and tests if they are needed. xtask is built
    /// on its own, as `cargo xtask` does: its dependencies would otherwise be compiled with other
    /// features again.
    fn build_native(&self, has_tests: bool, has_site: bool) -> anyhow::Result<Vec<Executable>> {
        let site = match has_site {
            true => Some(self.site.get()?),
            false => None,
        };
        let run = |cargo: &mut Command| {
            if let (Some(site), Mode::Release) = (site, self.mode) {
                cargo.env("HOLDFAST_SITE", &site.folder);
            }
            self.run(cargo)
        };
        let mut built = Vec::new();
        if has_tests {
            built.extend(run(self.cargo("test").arg("--no-run").args(PACKAGES))?);
        }
        // Cargo builds a program beside its tests only where its package has integration tests.
        let mut programs = self.cargo("build");
        built.extend(run(programs.args(["--bins", "--examples"]).args(PACKAGES))?);
        if has_tests {
            let mut xtask = Cargo::Default.command();
            xtask.args(["test", "--no-run", "--package", "xtask"]);
            built.extend(self.run(&mut xtask)?);
        }
        Ok(built)
    }

    /// A command of Cargo in the profile of this run.
    fn cargo(&self, verb: &str) -> Command {
        let mut cargo = Cargo::Default.command();
        cargo.arg(verb);
        if self.mode == Mode::Release {
            cargo.arg("--release");
        }
        cargo
    }

    fn run(&self, cargo: &mut Command) -> anyhow::Result<Vec<Executable>> {
        let mut built = Vec::new();
        cargo
            .current_dir(self.workspace.root())
            // Nothing here is built a second time, so what makes that quick is left out.
            .env("CARGO_INCREMENTAL", "0");
        self.lints.build_with(cargo, |message| {
            built.extend(Executable::from_message(message))
        })?;
        Ok(built)
    }
}

fn only_tests(built: &[Executable]) -> impl Iterator<Item = &Executable> {
    built.iter().filter(|built| built.is_test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_panics_has_failed() {
        let slot: Slot<()> = Slot::new();
        slot.fill(|| panic!("as a library may"));
        let error = slot.get().expect_err("it panicked");
        assert!(error.to_string().contains("panicked"), "{error}");
    }
}
