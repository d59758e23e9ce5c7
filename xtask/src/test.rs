//! `cargo xtask test`: every check and test, in parts that can be run alone.
//!
//! All chosen parts run even when one fails, so that one run tells everything that is wrong.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::{Args, ValueEnum};

use crate::program::{self, Cargo, say};
use crate::server::{self, Mode};
use crate::setup::{self, Consent, Need};
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;
use crate::{alone, deny, disk, lab, npm};

/// What to test.
#[derive(Args)]
pub struct Options {
    /// Run only this part; can be given more than once
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// Leave this part out; can be given more than once
    #[arg(long, value_enum, value_name = "PART")]
    without: Vec<Part>,
    /// Passed on to `cargo test` and to Playwright, such as a test's name
    #[arg(last = true)]
    filter: Vec<String>,
}

/// A part of the tests, in the order in which they run: quick ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Formatting
    Fmt,
    /// Licences, banned crates and where crates come from
    Deny,
    /// Lints, for the server and for the browser
    Clippy,
    /// Rust tests, with PostgreSQL and MariaDB
    Unit,
    /// A real browser against the release build
    End2end,
    /// The release program alone in an empty folder
    Alone,
    /// A whole site in namespaces, with the real programs; as root
    Lab,
}

/// What there is to say about a part that passed, beyond that.
pub type Note = Option<String>;

struct Outcome {
    part: Part,
    took: Duration,
    result: anyhow::Result<Note>,
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Deny => "deny",
            Self::Clippy => "clippy",
            Self::Unit => "unit",
            Self::End2end => "end2end",
            Self::Alone => "alone",
            Self::Lab => "lab",
        }
    }

    fn needs(self) -> &'static [Need] {
        match self {
            Self::Fmt | Self::Deny => &[],
            Self::Clippy | Self::Alone => setup::BUILD,
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
            Self::End2end => &[Need::Chromium],
            Self::Lab => lab::NEEDS,
        }
    }

    fn builds(self) -> bool {
        !matches!(self, Self::Fmt | Self::Deny)
    }

    fn run(
        self,
        workspace: &Workspace,
        consent: Consent,
        filter: &[String],
    ) -> anyhow::Result<Note> {
        match self {
            Self::Fmt => fmt(workspace),
            Self::Deny => deny::check(workspace),
            Self::Clippy => clippy(workspace, consent),
            Self::Unit => unit(workspace, filter),
            Self::End2end => end2end(workspace, consent, filter),
            Self::Alone => alone::check(workspace, consent),
            Self::Lab => lab::test(workspace, consent, filter),
        }
    }
}

/// Runs the chosen parts and prints a summary, whose last line counts them.
///
/// # Errors
/// When a part fails.
pub fn run(workspace: &Workspace, consent: Consent, options: &Options) -> anyhow::Result<()> {
    let parts: Vec<Part> = Part::value_variants()
        .iter()
        .copied()
        .filter(|part| options.only.is_empty() || options.only.contains(part))
        .filter(|part| !options.without.contains(part))
        .collect();
    if parts.is_empty() {
        bail!("--only and --without leave no part to run");
    }
    // Asked for together and before anything runs: nobody comes back after ten minutes to answer.
    setup::ensure(&needs(&parts), consent)?;
    disk::warn_when_low(workspace);

    let mut outcomes = Vec::new();
    for part in parts {
        say(&format!("part {}", part.word()));
        let start = Instant::now();
        let result = part.run(workspace, consent, &options.filter);
        if let Err(error) = &result {
            say(&format!("part {} failed: {error:#}", part.word()));
        }
        outcomes.push(Outcome {
            part,
            took: start.elapsed(),
            result,
        });
    }
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_err())
        .count();
    std::io::stdout().write_all(summary(&outcomes, &options.without).as_bytes())?;
    let count = format!("{} parts passed, {failed} failed", outcomes.len() - failed);
    if failed > 0 {
        bail!(count);
    }
    writeln!(std::io::stdout(), "{count}")?;
    if outcomes.iter().any(|outcome| outcome.part == Part::Unit) && !has_recordings(workspace) {
        writeln!(std::io::stdout(), "NOT CHECKED: Proxmox recordings")?;
    }
    Ok(())
}

/// Whether the recordings of a real Proxmox VE and the description of its API are there, to which
/// simulator and client are held. They are no part of the project.
fn has_recordings(workspace: &Workspace) -> bool {
    let beside = || workspace.root().join("../shared/reference");
    let folder = std::env::var_os("HOLDFAST_PVE_REFERENCE").map_or_else(beside, PathBuf::from);
    ["pve-golden.jsonl", "pve-schema.json", "pve-methods.json"]
        .iter()
        .all(|file| folder.join(file).exists())
}

fn needs(parts: &[Part]) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for part in parts {
        let build = if part.builds() { setup::BUILD } else { &[] };
        for need in build.iter().chain(part.needs()) {
            if !needs.contains(need) {
                needs.push(*need);
            }
        }
    }
    needs
}

fn summary(outcomes: &[Outcome], without: &[Part]) -> String {
    let mut text = String::from("\n");
    for outcome in outcomes {
        let seconds = outcome.took.as_secs();
        let _ = write!(text, "{:<8} {seconds:>5} s  ", outcome.part.word());
        let _ = match &outcome.result {
            Ok(None) => writeln!(text, "passed"),
            Ok(Some(note)) => writeln!(text, "passed; {note}"),
            Err(error) => writeln!(text, "failed: {error:#}"),
        };
    }
    if !without.is_empty() {
        let words: Vec<&str> = without.iter().map(|part| part.word()).collect();
        let _ = writeln!(text, "left out: {}", words.join(", "));
    }
    text
}

fn fmt(workspace: &Workspace) -> anyhow::Result<Note> {
    setup::component("rustfmt", "fmt")?;
    let mut cargo = Cargo::Default.command();
    cargo
        .current_dir(workspace.root())
        .args(["fmt", "--all", "--check"]);
    program::run(&mut cargo)?;
    Ok(None)
}

fn clippy(workspace: &Workspace, consent: Consent) -> anyhow::Result<Note> {
    setup::component("clippy", "clippy")?;
    let mut native = Cargo::Default.command();
    native.current_dir(workspace.root()).args([
        "clippy",
        "--workspace",
        "--exclude",
        "frontend",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    program::run(&mut native)?;
    let toolchain = Toolchain::find(Mode::Dev, consent)?;
    if toolchain == Toolchain::Debian {
        setup::ensure(&[Need::RustWebClippy], consent)?;
    }
    program::run(
        toolchain
            .cargo(workspace, "clippy")
            .args(["--", "-D", "warnings"]),
    )?;
    Ok(None)
}

fn unit(workspace: &Workspace, filter: &[String]) -> anyhow::Result<Note> {
    let mut cargo = Cargo::Default.command();
    cargo
        .current_dir(workspace.root())
        // A snapshot that differs fails; it is not written anew.
        .env("INSTA_UPDATE", "no")
        .args(["test", "--workspace", "--exclude", "frontend"])
        // One run tells everything that is wrong, here too.
        .arg("--no-fail-fast");
    if !filter.is_empty() {
        cargo.arg("--").args(filter);
    }
    program::run(&mut cargo)?;
    Ok(None)
}

fn end2end(workspace: &Workspace, consent: Consent, filter: &[String]) -> anyhow::Result<Note> {
    let mut playwright = Command::new(npm::tool(&workspace.end2end(), "playwright"));
    playwright.arg("test").args(filter);
    program::run(&mut in_end2end(
        workspace,
        consent,
        Mode::Release,
        playwright,
    )?)?;
    Ok(None)
}

/// Prepares a program of `end2end`: the build, the packages, and where both are.
///
/// The variables do not begin with HOLDFAST_, which the server would refuse to inherit.
///
/// # Errors
/// When something is missing or the build fails.
pub fn in_end2end(
    workspace: &Workspace,
    consent: Consent,
    mode: Mode,
    mut command: Command,
) -> anyhow::Result<Command> {
    setup::ensure(&[Need::Chromium], consent)?;
    let binary = server::build(workspace, mode, consent)?;
    npm::ensure(&workspace.end2end())?;
    command
        .current_dir(workspace.end2end())
        .env("E2E_BINARY", binary);
    if let Some(chromium) = program::find("chromium") {
        command.env("E2E_CHROMIUM", chromium);
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_tests_nothing_in_a_browser_asks_for_no_browser() {
        assert_eq!(needs(&[Part::Fmt, Part::Deny]), []);
        assert_eq!(needs(&[Part::Clippy, Part::Alone]), setup::BUILD);
        assert!(!needs(&[Part::Unit]).contains(&Need::Chromium));
        assert!(needs(&[Part::Unit, Part::End2end]).contains(&Need::Chromium));
    }

    #[test]
    fn the_summary_says_what_failed_and_what_was_not_checked() {
        let outcome = |part, result| Outcome {
            part,
            took: Duration::from_secs(3),
            result,
        };
        let outcomes = [
            outcome(Part::Fmt, Ok(None)),
            outcome(Part::Deny, Ok(Some("advisories not checked".to_owned()))),
            outcome(Part::Unit, Err(anyhow::anyhow!("`cargo test` failed"))),
        ];
        let text = summary(&outcomes, &[Part::Lab]);
        insta::assert_snapshot!(text, @r"

        fmt          3 s  passed
        deny         3 s  passed; advisories not checked
        unit         3 s  failed: `cargo test` failed
        left out: lab
        ");
    }
}
