//! What the parts of a run test, built once: in the order in which it is needed, while parts whose
//! programs are ready already run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use serde_json::Value;

use super::Part;
use super::report::Report;
use crate::binaries::{Executable, PACKAGES, Programs};
use crate::lane;
use crate::lints::Lints;
use crate::program::{self, Cargo};
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

/// Everything that a run builds. In a run with a release, tests are built in the profile `bench`, which
/// has the release's dependencies.
pub struct Builds<'a> {
    workspace: &'a Workspace,
    consent: Consent,
    mode: Mode,
    lints: Lints,
    tests: Slot<Vec<Executable>>,
    programs: Slot<Vec<Executable>>,
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
            tests: Slot::new(),
            programs: Slot::new(),
            site: Slot::new(),
        })
    }

    /// Builds what the parts need. The site has a compiler, and a target folder, of its own, so it is
    /// built beside the tests. What is built while these run gives way to them.
    pub fn build(&self, parts: &[Part]) {
        let needs = |need: fn(Part) -> bool| parts.iter().copied().any(need);
        let (has_tests, has_site) = (needs(Part::needs_tests), needs(Part::needs_site));
        let label = lane::current();
        std::thread::scope(|scope| {
            if has_site {
                scope.spawn(|| {
                    label.inspect(|label| lane::enter(label));
                    self.site
                        .fill(|| Site::build(self.workspace, self.mode, self.consent, &self.lints));
                });
            }
            if has_tests {
                self.tests.fill(|| self.build_tests());
                lane::give_way();
            }
            if has_site {
                self.programs.fill(|| self.build_programs());
            }
        });
    }

    /// The warnings of all builds that are done with Clippy.
    ///
    /// # Errors
    /// When a build failed, or there are any.
    pub fn lints(&self, report: &mut Report) -> anyhow::Result<()> {
        self.tests.wait(report)?;
        self.site.wait(report)?;
        self.lints.verdict()
    }

    /// The tests of all packages.
    ///
    /// # Errors
    /// When their build failed.
    pub fn tests(&self, report: &mut Report) -> anyhow::Result<&[Executable]> {
        self.tests.wait(report).map(Vec::as_slice)
    }

    /// The programs, with the site that they serve.
    ///
    /// # Errors
    /// When a build failed.
    pub fn programs(&self, report: &mut Report) -> anyhow::Result<Programs<'_>> {
        self.programs
            .wait(report)
            .map(|built| Programs::Built(built))
    }

    /// Compiles all tests, with everything else that the packages have: lints are looked for here.
    /// xtask is built on its own, as `cargo xtask` does: its dependencies would otherwise be compiled
    /// with other features again.
    fn build_tests(&self) -> anyhow::Result<Vec<Executable>> {
        let mut cargo = self.cargo(&["test", "--no-run"]);
        cargo.args(PACKAGES);
        if self.mode == Mode::Release {
            // What tests start lies apart from the programs, which are built while tests run.
            cargo
                .args(["--profile", "bench", "--target-dir"])
                .arg(self.workspace.target().join("tests"))
                .env("CARGO_BUILD_BUILD_DIR", self.workspace.target());
        }
        let mut built = executables(|inspect| self.lints.build_with(&mut cargo, inspect))?;
        let mut xtask = self.cargo(&["test", "--no-run", "--package", "xtask"]);
        built.extend(executables(|inspect| {
            self.lints.build_with(&mut xtask, inspect)
        })?);
        built.retain(|built| built.is_test);
        Ok(built)
    }

    /// Compiles the programs and examples, a release with the site inside.
    fn build_programs(&self) -> anyhow::Result<Vec<Executable>> {
        let site = self.site.get()?;
        let mut cargo = self.cargo(&["build", "--bins", "--examples"]);
        cargo.args(PACKAGES);
        if self.mode == Mode::Release {
            cargo.arg("--release").env("HOLDFAST_SITE", &site.folder);
        }
        executables(|inspect| program::run_cargo(&mut cargo, inspect).map(drop))
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
}

/// What a build of Cargo announces.
fn executables(
    build: impl FnOnce(&mut dyn FnMut(&Value)) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Executable>> {
    let mut built = Vec::new();
    build(&mut |message| built.extend(Executable::from_message(message)))?;
    Ok(built)
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
