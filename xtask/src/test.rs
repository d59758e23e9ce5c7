//! `cargo xtask test`: all checks and tests, in parts that can be run individually.
//!
//! All selected parts run even if one fails, so that one run reports all failures. Builds run
//! concurrently with parts whose binaries are ready, at a lower priority.

use std::io::Write as _;
use std::process::Command;
use std::time::Instant;

use anyhow::bail;
use clap::{Args, ValueEnum};

use crate::binaries::Binary;
use crate::program::{self, Cargo, say};
use crate::report::Report;
use crate::setup::{self, Consent, Need};
use crate::workspace::Workspace;
use crate::{
    bench, browser, deny, dependencies, disk, file_sizes, lab, labeled_output, language, permits,
    standalone,
};

mod builds;
mod rust;
mod summary;

use builds::Builds;
use summary::Outcome;

/// What to test.
#[derive(Args)]
pub struct Options {
    /// Run only this part; can be given more than once
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// Skip this part; can be given more than once
    #[arg(long, value_enum, value_name = "PART")]
    without: Vec<Part>,
    /// Skip the parts that need a release build
    #[arg(long)]
    dev: bool,
    /// Arguments for the Rust tests and Playwright, such as a test's name
    #[arg(last = true)]
    filter: Vec<String>,
}

/// A part of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Formatting, file sizes, names, permits, and which crate uses which
    Fmt,
    /// Licenses, banned crates and crate sources
    Deny,
    /// Rust tests, with PostgreSQL and MariaDB
    Unit,
    /// Lints, for the server and for the browser
    Clippy,
    /// Browser tests against the program
    End2end,
    /// A whole site in namespaces, with the real programs; requires root
    Lab,
    /// Every benchmark at its smallest size
    Bench,
    /// The release binary: alone in an empty directory, and some browser tests
    Release,
}

/// Groups run one after another. The parts of a group run concurrently.
const GROUPS: [&[Part]; 6] = [
    &[Part::Fmt, Part::Deny],
    &[Part::Unit],
    &[Part::End2end, Part::Lab],
    &[Part::Bench],
    &[Part::Clippy],
    &[Part::Release],
];

impl Part {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Deny => "deny",
            Self::Clippy => "clippy",
            Self::Unit => "unit",
            Self::End2end => "end2end",
            Self::Lab => "lab",
            Self::Bench => "bench",
            Self::Release => "release",
        }
    }

    fn needs(self) -> &'static [Need] {
        match self {
            Self::Fmt | Self::Deny => &[],
            Self::Clippy => setup::BUILD,
            Self::Unit => &[
                Need::Postgres,
                Need::MariaDb,
                Need::Python,
                Need::PythonVenv,
                Need::Nginx,
                Need::NginxStream,
                Need::Dnsmasq,
                Need::Bind,
                Need::Dig,
                Need::Dhclient,
                Need::Curl,
                Need::Iproute,
                Need::Unshare,
                Need::Systemd,
                Need::Openssl,
                Need::Pebble,
            ],
            Self::End2end | Self::Release => &[Need::Chromium],
            Self::Lab | Self::Bench => lab::NEEDS,
        }
    }

    fn needs_native(self) -> bool {
        matches!(
            self,
            Self::Unit | Self::Clippy | Self::End2end | Self::Lab | Self::Bench
        )
    }

    fn needs_site(self) -> bool {
        matches!(
            self,
            Self::Clippy | Self::End2end | Self::Lab | Self::Bench | Self::Release
        )
    }

    fn needs_release(self) -> bool {
        self == Self::Release
    }
}

/// The common parameters of all parts.
struct Run<'a> {
    workspace: &'a Workspace,
    consent: Consent,
    filter: &'a [String],
    builds: Builds<'a>,
}

/// Runs the selected parts and prints a summary, whose last line contains the counts.
///
/// # Errors
/// If a part fails.
pub fn run(workspace: &Workspace, consent: Consent, options: &Options) -> anyhow::Result<()> {
    let parts = options.parts();
    if parts.is_empty() {
        bail!("--only, --without and --dev exclude every part");
    }
    // All packages are requested before anything runs, so that no later prompt blocks the run.
    setup::ensure(&needs(&parts), consent)?;
    disk::warn_when_low(workspace);

    let run = Run {
        workspace,
        consent,
        filter: &options.filter,
        builds: Builds::new(workspace, consent, &parts)?,
    };
    let outcomes = run.all(&parts);
    let failed = outcomes.iter().filter(|outcome| outcome.result.is_err());
    let failed = failed.count();
    let passed = outcomes.len() - failed;
    let mut out = std::io::stdout();
    out.write_all(summary::format(&outcomes).as_bytes())?;
    out.write_all(summary::unchecked(&outcomes).as_bytes())?;
    let count = format!("parts passed: {passed}, failed: {failed}");
    if failed > 0 {
        bail!(count);
    }
    writeln!(out, "{count}")?;
    Ok(())
}

impl Options {
    fn parts(&self) -> Vec<Part> {
        let all = GROUPS.iter().flat_map(|group| group.iter().copied());
        all.filter(|part| self.only.is_empty() || self.only.contains(part))
            .filter(|part| !self.without.contains(part))
            .filter(|part| !(self.dev && part.needs_release()))
            .collect()
    }
}

impl Run<'_> {
    /// Runs the parts group by group, concurrently with the builds.
    fn all(&self, parts: &[Part]) -> Vec<Outcome> {
        // A single part needs no label.
        let labels = parts.len() > 1;
        let mut outcomes = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                if labels {
                    labeled_output::set_label("build");
                }
                self.builds.build(parts);
            });
            for group in GROUPS {
                let group = group.iter().filter(|part| parts.contains(part));
                let handles: Vec<_> = group
                    .map(|part| {
                        let handle = scope.spawn(move || {
                            if labels {
                                labeled_output::set_label(part.name());
                            }
                            self.run_part(*part)
                        });
                        (*part, handle)
                    })
                    .collect();
                let outcomes_of_group = handles.into_iter().map(|(part, handle)| {
                    handle.join().unwrap_or_else(|_| Outcome::panicked(part))
                });
                outcomes.extend(outcomes_of_group);
            }
        });
        outcomes
    }

    fn run_part(&self, part: Part) -> Outcome {
        let start = Instant::now();
        let mut report = Report::default();
        let result = self.execute(part, &mut report);
        match &result {
            Ok(()) => say(&format!("{} passed", part.name())),
            Err(error) => say(&format!("{} failed: {error:#}", part.name())),
        }
        Outcome {
            part,
            took: start.elapsed(),
            report,
            result,
        }
    }

    fn execute(&self, part: Part, report: &mut Report) -> anyhow::Result<()> {
        let (workspace, consent, builds) = (self.workspace, self.consent, &self.builds);
        match part {
            Part::Fmt => fmt(workspace),
            Part::Deny => deny::check(workspace, report),
            Part::Clippy => builds.lints(report),
            Part::Unit => rust::run(builds.native(report)?, self.filter, report),
            Part::End2end => {
                let binary = builds.programs(report)?.path(Binary::Server)?;
                browser::playwright(workspace, consent, &binary, self.filter, report)
            }
            Part::Lab => {
                let programs = builds.programs(report)?;
                lab::test(workspace, consent, &programs, self.filter, report)
            }
            Part::Bench => bench::smoke(workspace, consent, &builds.programs(report)?, report),
            Part::Release => {
                let binary = builds.release(report)?;
                standalone::check(workspace, binary, report)?;
                browser::smoke(workspace, consent, binary, report)
            }
        }
    }
}

fn needs(parts: &[Part]) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for part in parts {
        let build = match part.needs_native() || part.needs_release() {
            true => setup::BUILD,
            false => &[],
        };
        for need in build.iter().chain(part.needs()) {
            if !needs.contains(need) {
                needs.push(*need);
            }
        }
    }
    needs
}

fn fmt(workspace: &Workspace) -> anyhow::Result<()> {
    setup::component("rustfmt", "fmt")?;
    let mut cargo: Command = Cargo::Default.command();
    cargo
        .current_dir(workspace.root())
        .args(["fmt", "--all", "--check"]);
    program::run(&mut cargo)?;
    language::check(workspace)?;
    permits::check(workspace)?;
    dependencies::check(workspace)?;
    file_sizes::check(workspace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(only: &[Part], dev: bool) -> Options {
        Options {
            only: only.to_vec(),
            without: Vec::new(),
            dev,
            filter: Vec::new(),
        }
    }

    #[test]
    fn every_part_is_in_one_group() {
        let all = options(&[], false).parts();
        assert_eq!(all.len(), Part::value_variants().len());
        assert!(Part::value_variants().iter().all(|part| all.contains(part)));
    }

    #[test]
    fn dev_leaves_out_only_the_release_build() {
        let parts = options(&[], true).parts();
        assert!(!parts.iter().any(|part| part.needs_release()));
        assert_eq!(parts.len(), Part::value_variants().len() - 1);
    }

    #[test]
    fn only_browser_parts_need_chromium() {
        assert_eq!(needs(&[Part::Fmt, Part::Deny]), []);
        assert_eq!(needs(&[Part::Clippy]), setup::BUILD);
        assert!(!needs(&[Part::Unit]).contains(&Need::Chromium));
        assert!(needs(&[Part::Unit, Part::End2end]).contains(&Need::Chromium));
    }
}
