//! What the parts of a run test, built once: by one thread, in the order in which it is needed,
//! while parts whose programs are ready already run.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::anyhow;

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

    fn fill(&self, build: impl FnOnce() -> anyhow::Result<T>) {
        let start = Instant::now();
        let result = build().map_err(|error| format!("{error:#}"));
        if let Err(error) = &result {
            crate::program::say(&format!("build failed: {error}"));
        }
        let took = start.elapsed();
        // Only the building thread fills a slot, and each one once.
        let _ = self.0.set(Built { took, result });
    }

    /// Waits until it is built, and adds how long the build took, and the wait, to the report.
    fn wait(&self, report: &mut Report) -> anyhow::Result<&T> {
        let begin = Instant::now();
        let built = self.0.wait();
        report.build += built.took;
        report.waited += begin.elapsed();
        let result = built.result.as_ref();
        result.map_err(|error| anyhow!("build failed: {error}"))
    }
}

/// Everything that a run builds.
pub struct Builds<'a> {
    workspace: &'a Workspace,
    consent: Consent,
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
        Ok(Self {
            workspace,
            consent,
            lints,
            native: Slot::new(),
            site: Slot::new(),
            release: Slot::new(),
        })
    }

    /// Builds what the parts need, in the order in which they run. What is built while tests run
    /// gives way to them.
    pub fn build(&self, parts: &[Part]) {
        let needs = |need: fn(Part) -> bool| parts.iter().copied().any(need);
        if needs(Part::needs_native) {
            let has_tests = parts.contains(&Part::Unit) || parts.contains(&Part::Clippy);
            self.native.fill(|| self.build_native(has_tests));
        }
        lane::give_way();
        let has_release = needs(Part::needs_release);
        if has_release || needs(Part::needs_site) {
            self.site.fill(|| self.build_site(has_release));
        }
        if has_release {
            self.release.fill(|| self.build_release());
        }
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

    /// The programs of the workspace and its tests, in the dev profile.
    ///
    /// # Errors
    /// When their build failed.
    pub fn native(&self, report: &mut Report) -> anyhow::Result<&[Executable]> {
        self.native.wait(report).map(Vec::as_slice)
    }

    /// The programs of the dev profile, and the site that they serve.
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

    /// Builds the site that all parts serve: the one of the release, if that is built at all.
    fn build_site(&self, has_release: bool) -> anyhow::Result<Site> {
        let build = |mode| Site::build(self.workspace, mode, self.consent, &self.lints);
        if !has_release {
            return build(Mode::Dev);
        }
        let site = build(Mode::Release)?;
        site.copy_for_debug_builds(self.workspace)?;
        Ok(site)
    }

    fn build_release(&self) -> anyhow::Result<PathBuf> {
        let site = self.site.0.wait().result.as_ref();
        site.map_err(|error| anyhow!("the site could not be built: {error}"))?;
        Binary::Holdfast.build(self.workspace, Mode::Release)
    }

    /// Compiles the workspace's programs and examples, and tests if they are needed. xtask is built
    /// on its own, as `cargo xtask` does: its dependencies would otherwise be compiled with other
    /// features again.
    fn build_native(&self, has_tests: bool) -> anyhow::Result<Vec<Executable>> {
        let mut built = Vec::new();
        let tests: &[&str] = &["test", "--no-run"];
        // Cargo builds a program beside its tests only where its package has integration tests.
        let programs: (&[&str], &[&str]) = (&["build", "--bins", "--examples"], PACKAGES);
        let selections: &[(&[&str], &[&str])] = match has_tests {
            true => &[
                (tests, PACKAGES),
                programs,
                (tests, &["--package", "xtask"]),
            ],
            false => &[programs],
        };
        for (verb, selection) in selections {
            let mut cargo = Cargo::Default.command();
            cargo
                .current_dir(self.workspace.root())
                // Nothing here is built a second time, so what makes that quick is left out.
                .env("CARGO_INCREMENTAL", "0")
                .args(*verb)
                .args(*selection);
            self.lints.build_with(&mut cargo, |message| {
                built.extend(Executable::from_message(message))
            })?;
        }
        Ok(built)
    }
}
