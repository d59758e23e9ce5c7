//! Browser tests: runs the Playwright journeys against the program under test.

use std::path::Path;
use std::process::Command;

use crate::disk;
use crate::npm;
use crate::program;
use crate::report::Report;
use crate::setup::{self, Consent, Need};
use crate::workspace::Workspace;

/// Tag of journeys that also run against the release binary.
const SMOKE: &str = "@smoke";

/// Runs the journeys with the smoke tag against the release binary.
///
/// # Errors
/// If a journey fails.
pub fn smoke(
    workspace: &Workspace,
    consent: Consent,
    binary: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let filter = ["--grep".to_owned(), SMOKE.to_owned()];
    playwright(workspace, consent, binary, &filter, report)
}

/// Runs the journeys against a program.
///
/// # Errors
/// If a journey fails or the filter matches none.
pub fn playwright(
    workspace: &Workspace,
    consent: Consent,
    binary: &Path,
    args: &[String],
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut playwright = Command::new(npm::tool(&workspace.end2end(), "playwright"));
    playwright.arg("test").args(args);
    prepare(workspace, consent, binary, &mut playwright)?;
    run(&mut playwright, report)
}

/// Runs Playwright and counts its tests.
///
/// # Errors
/// If a test fails.
pub fn run(playwright: &mut Command, report: &mut Report) -> anyhow::Result<()> {
    program::run_lines(playwright, |line| {
        report.inspect(line);
        report.tests += counted(line).unwrap_or_default();
        if let Some(skipped) = line.trim_start().strip_prefix("-  ") {
            report.unchecked.insert(skipped.to_owned());
        }
    })
}

/// Parses the number in a summary line of Playwright, such as `  12 passed (30.1s)`.
fn counted(line: &str) -> Option<u32> {
    let (number, rest) = line.trim_start().split_once(' ')?;
    let word = rest.split(' ').next()?;
    let counts = matches!(word, "passed" | "failed" | "flaky");
    counts.then(|| number.parse().ok()).flatten()
}

/// Prepares a command of `end2end`: installs its packages and the browser, and sets the server
/// under test.
///
/// The variables do not begin with `HOLDFAST_`, since the server rejects unknown ones.
///
/// # Errors
/// If a package is missing.
pub fn prepare(
    workspace: &Workspace,
    consent: Consent,
    binary: &Path,
    command: &mut Command,
) -> anyhow::Result<()> {
    setup::ensure(&[Need::Chromium], consent)?;
    npm::ensure(&workspace.end2end())?;
    disk::keep_temporary_files_in_memory(command);
    command
        .current_dir(workspace.end2end())
        .env("E2E_BINARY", binary);
    if let Some(chromium) = program::find("chromium") {
        command.env("E2E_CHROMIUM", chromium);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playwright_results_are_counted() {
        assert_eq!(counted("  12 passed (30.1s)"), Some(12));
        assert_eq!(counted("  1 failed"), Some(1));
        assert_eq!(counted("  3 did not run"), None);
        assert_eq!(counted("  ok 12 passed"), None);
    }
}
