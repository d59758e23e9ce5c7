//! What a part of the tests did, and the summary of a run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use clap::ValueEnum as _;

use super::Part;

/// How a test says that something could not be checked here: this, what, and why in parentheses.
const UNCHECKED: &str = "NOT CHECKED: ";

/// What no run checks, since it cannot be installed or reached from a test.
const NEVER_CHECKED: [&str; 4] = [
    "MySQL (MariaDB is tested in its place)",
    "Cloudflare (a stand-in is tested)",
    "acme-dns (a stand-in is tested)",
    "the start of services by systemd",
];

/// What a part did.
#[derive(Debug, Default)]
pub struct Report {
    /// How many tests ran.
    pub tests: u32,
    /// How long the builds took that the part needs. Parts share them, and run beside others.
    pub build: Duration,
    /// How long the part waited for them.
    pub waited: Duration,
    /// What else there is to say.
    pub note: Option<String>,
    /// What it could not check.
    pub unchecked: BTreeSet<String>,
}

impl Report {
    /// Takes down what a line of a test's output says could not be checked.
    pub fn inspect(&mut self, line: &str) {
        if let Some((_, what)) = line.split_once(UNCHECKED) {
            self.unchecked.insert(what.trim().to_owned());
        }
    }
}

/// How a part ended.
pub struct Outcome {
    /// Which part.
    pub part: Part,
    /// From its beginning to its end, with what it waited for.
    pub took: Duration,
    /// What it did.
    pub report: Report,
    /// Whether it passed.
    pub result: anyhow::Result<()>,
}

impl Outcome {
    /// That of a part whose thread panicked, and left nothing else.
    pub fn panicked(part: Part) -> Self {
        Self {
            part,
            took: Duration::ZERO,
            report: Report::default(),
            result: Err(anyhow::anyhow!("it panicked")),
        }
    }
}

/// A line for each part, and the parts that did not run.
pub fn summary(outcomes: &[Outcome]) -> String {
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
        let _ = writeln!(text, "left out: {}", left_out.join(", "));
    }
    text
}

/// Everything that the run did not check, in one line.
pub fn unchecked(outcomes: &[Outcome]) -> String {
    let found = outcomes
        .iter()
        .flat_map(|outcome| &outcome.report.unchecked);
    let mut all: BTreeSet<&str> = found.map(String::as_str).collect();
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
        insta::assert_snapshot!(summary(&outcomes), @r"

        part         build     test   tests
        deny           0 s     90 s       0  passed; 12 licenses
        unit          60 s     40 s    1250  failed: 2 tests failed
        left out: fmt, clippy, end2end, lab, bench, release
        ");
    }

    #[test]
    fn everything_that_was_not_checked_is_named_once() {
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
