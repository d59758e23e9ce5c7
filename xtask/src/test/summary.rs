//! The summary of a test run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use clap::ValueEnum as _;

use super::Part;
use crate::report::{Report, UNCHECKED};

/// Items that no run checks, since they cannot be installed or reached by a test.
const NEVER_CHECKED: [&str; 4] = [
    "MySQL (MariaDB is tested instead)",
    "Cloudflare (a fake API is tested)",
    "acme-dns (a fake API is tested)",
    "the start of services by systemd",
];

/// The result of a part.
pub struct Outcome {
    /// The part.
    pub part: Part,
    /// Total duration, including the waiting time for builds.
    pub took: Duration,
    /// The report.
    pub report: Report,
    /// Whether it passed.
    pub result: anyhow::Result<()>,
}

impl Outcome {
    /// The outcome of a part whose thread panicked.
    pub fn panicked(part: Part) -> Self {
        Self {
            part,
            took: Duration::ZERO,
            report: Report::default(),
            result: Err(anyhow::anyhow!("it panicked")),
        }
    }
}

/// Formats one line per part, and the parts that did not run.
pub fn format(outcomes: &[Outcome]) -> String {
    let mut text = String::from("\npart         build     test   tests\n");
    for outcome in outcomes {
        let build = outcome.report.build.as_secs();
        let test = outcome.took.saturating_sub(outcome.report.waited).as_secs();
        let (name, tests) = (outcome.part.name(), outcome.report.tests);
        let _ = write!(text, "{name:<9} {build:>6} s {test:>6} s {tests:>7}  ");
        let _ = match (&outcome.result, &outcome.report.note) {
            (Ok(()), None) => writeln!(text, "passed"),
            (Ok(()), Some(note)) => writeln!(text, "passed; {note}"),
            (Err(error), _) => writeln!(text, "failed: {error:#}"),
        };
    }
    let did_run = |part: &Part| outcomes.iter().any(|outcome| outcome.part == *part);
    let left_out = Part::value_variants().iter().filter(|part| !did_run(part));
    let left_out: Vec<&str> = left_out.map(|part| part.name()).collect();
    if !left_out.is_empty() {
        let _ = writeln!(text, "skipped: {}", left_out.join(", "));
    }
    text
}

/// Formats all unchecked items of the run in one line.
pub fn unchecked(outcomes: &[Outcome]) -> String {
    let items = outcomes
        .iter()
        .flat_map(|outcome| &outcome.report.unchecked);
    let mut all: BTreeSet<&str> = items.map(String::as_str).collect();
    all.extend(NEVER_CHECKED);
    let all: Vec<&str> = all.into_iter().collect();
    format!("{UNCHECKED}{}\n", all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(part: Part, report: Report, result: anyhow::Result<()>) -> Outcome {
        Outcome {
            part,
            took: Duration::from_secs(90),
            report,
            result,
        }
    }

    #[test]
    fn summary_has_a_line_per_part_with_build_seconds_test_seconds_and_tests() {
        let unit = Report {
            tests: 1250,
            build: Duration::from_secs(60),
            waited: Duration::from_secs(50),
            ..Report::default()
        };
        let deny = Report {
            note: Some("12 licenses".to_owned()),
            ..Report::default()
        };
        let failure = Err(anyhow::anyhow!("2 tests failed"));
        let outcomes = [
            outcome(Part::Deny, deny, Ok(())),
            outcome(Part::Unit, unit, failure),
        ];
        insta::assert_snapshot!(format(&outcomes), @r"

        part         build     test   tests
        deny           0 s     90 s       0  passed; 12 licenses
        unit          60 s     40 s    1250  failed: 2 tests failed
        skipped: fmt, clippy, end2end, lab, bench, release
        ");
    }

    #[test]
    fn unchecked_items_are_listed_once() {
        let mut report = Report::default();
        for line in [
            "test recordings ... NOT CHECKED: recordings (file missing)",
            "NOT CHECKED: recordings (file missing)",
            "something else",
        ] {
            report.inspect(line);
        }
        let line = unchecked(&[outcome(Part::Unit, report, Ok(()))]);
        assert_eq!(
            line.matches("recordings (file missing)").count(),
            1,
            "{line}"
        );
        assert!(line.contains("Cloudflare"), "{line}");
    }
}
