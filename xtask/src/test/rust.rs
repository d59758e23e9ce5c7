//! Runs the Rust tests: the executables that Cargo built, two at a time, since most tests wait for
//! servers, databases and timers more than they compute.

use std::collections::VecDeque;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::bail;

use super::report::Report;
use crate::binaries::Executable;
use crate::program::{self, Ended};
use crate::{disk, lane};

/// Executables at a time.
const EXECUTABLES: usize = 2;
/// The executables that take longest, by the names of their targets.
const LONGEST: [&str; 5] = ["server", "faults", "jobs", "store", "real"];
/// Tests at a time in each, where the environment does not say otherwise.
const THREADS: &str = "4";
/// The seed of property tests where runs must be repeatable.
const SEED: &str = "1";
/// How long an executable may take: several times what the longest takes on two cores.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Runs every test whose name contains a filter; all of them without one.
///
/// # Errors
/// When a test fails, an executable does not end well or in time, or no test ran.
pub fn run(built: &[Executable], filter: &[String], report: &mut Report) -> anyhow::Result<()> {
    let mut tests: Vec<&Executable> = built.iter().filter(|built| built.is_test).collect();
    // What takes longest begins first, so that it does not run alone at the end.
    let place = |built: &&Executable| LONGEST.iter().position(|name| *name == built.name);
    tests.sort_by_key(|built| place(built).unwrap_or(usize::MAX));
    let queue = Mutex::new(VecDeque::from(tests));
    let results = Mutex::new((report, Vec::new()));
    let label = lane::current();
    std::thread::scope(|scope| {
        for _ in 0..EXECUTABLES {
            scope.spawn(|| {
                label.inspect(|label| lane::enter(label));
                let next = || lock(&queue).pop_front();
                while let Some(test) = next() {
                    let name = format!("{}/{}", test.package, test.name);
                    let ended = run_one(test, filter);
                    let (report, failed) = &mut *lock(&results);
                    if let Err(error) = ended.and_then(|ended| record(&name, &ended, report)) {
                        lane::print(&format!("{error:#}"));
                        failed.push(name);
                    }
                }
            });
        }
    });
    let (report, failed) = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !failed.is_empty() {
        bail!("tests failed in {}", failed.join(", "));
    }
    if report.tests == 0 {
        bail!("no test ran; filter: {}", filter.join(" "));
    }
    Ok(())
}

/// A runner that panics ends the run when its thread is joined.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_one(executable: &Executable, filter: &[String]) -> anyhow::Result<Ended> {
    let mut command = Command::new(&executable.path);
    command
        .current_dir(&executable.folder)
        // A snapshot that differs fails; it is not replaced.
        .env("INSTA_UPDATE", "no")
        .env("CARGO_MANIFEST_DIR", &executable.folder)
        .args(filter)
        .stdin(Stdio::null());
    disk::keep_temporary_files_in_memory(&mut command);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        command.env("RUST_TEST_THREADS", THREADS);
    }
    if std::env::var_os("CI").is_some() && std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        command.env("PROPTEST_RNG_SEED", SEED);
    }
    program::run_within(&mut command, LIMIT)
}

/// Counts an executable's tests and shows its result; all of its output when it failed.
fn record(name: &str, ended: &Ended, report: &mut Report) -> anyhow::Result<()> {
    let mut result = "no result";
    for line in &ended.lines {
        report.inspect(line);
        if let Some(ignored) = ignored(line) {
            report.unchecked.insert(ignored);
        }
        if let Some(counts) = line.strip_prefix("test result: ") {
            result = counts;
            report.tests += counted(counts, " passed") + counted(counts, " failed");
        }
    }
    let title = format!("{name} ({:.1} s)", ended.took.as_secs_f32());
    let Some(failure) = &ended.failure else {
        lane::print(&format!("{title}: {result}"));
        return Ok(());
    };
    for line in &ended.lines {
        lane::print(line);
    }
    bail!("{title}: {result} ({failure})");
}

/// The number that stands before a word in libtest's result.
fn counted(result: &str, word: &str) -> u32 {
    let before = result.split(word).next().unwrap_or_default();
    let number = before.rsplit(' ').next().unwrap_or_default();
    number.parse().unwrap_or_default()
}

/// The name and reason of a test that libtest ignored. What other tests start is no test itself.
fn ignored(line: &str) -> Option<String> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ignored")?;
    let reason = rest.trim_start_matches([',', ' ']);
    (!reason.starts_with("helper process")).then(|| format!("{name} ({reason})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "running 3 tests\n\
        test kills::child ... ignored, helper process: it is killed by other tests\n\
        test http3 ... ignored, nginx has no HTTP/3\n\
        NOT CHECKED: recordings (file missing)\n\
        test result: ok. 12 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";

    fn ended(failure: Option<&str>) -> Ended {
        Ended {
            lines: OUTPUT.lines().map(str::to_owned).collect(),
            took: Duration::from_secs(1),
            failure: failure.map(str::to_owned),
        }
    }

    #[test]
    fn tests_are_counted_and_ignored_ones_are_named_with_their_reason() {
        let mut report = Report::default();
        record("edge/real", &ended(None), &mut report).expect("passed");
        assert_eq!(report.tests, 13);
        assert!(report.unchecked.contains("http3 (nginx has no HTTP/3)"));
        assert!(report.unchecked.contains("recordings (file missing)"));
    }

    #[test]
    fn a_failed_executable_still_reports_what_was_not_checked() {
        let mut report = Report::default();
        let ended = ended(Some("exit status: 101"));
        let error = record("edge/real", &ended, &mut report).expect_err("failed");
        assert!(error.to_string().contains("exit status: 101"), "{error}");
        assert_eq!((report.tests, report.unchecked.len()), (13, 2));
    }

    /// What libtest captures of a passing test never gets here.
    #[test]
    fn a_line_that_a_passing_test_reports_is_in_the_output_of_libtest() {
        let itself = Executable {
            folder: "/".into(),
            package: "xtask".to_owned(),
            name: "xtask".to_owned(),
            is_test: true,
            path: std::env::current_exe().expect("a path"),
        };
        let filter = ["--ignored", "reports_what_it_does_not_check"].map(str::to_owned);
        let mut report = Report::default();
        run(&[itself], &filter, &mut report).expect("passed");
        assert_eq!((report.tests, report.unchecked.len()), (1, 1));
    }

    #[test]
    #[ignore = "helper process: its output is read by another test"]
    fn reports_what_it_does_not_check() {
        use std::io::Write as _;
        writeln!(std::io::stderr(), "NOT CHECKED: an example").expect("written");
    }

    #[test]
    fn an_executable_that_does_not_end_in_time_is_ended_and_shown() {
        let mut sleep = Command::new("sh");
        sleep.args(["-c", "echo before; exec sleep 60"]);
        let ended = program::run_within(&mut sleep, Duration::from_millis(300)).expect("started");
        assert_eq!(ended.lines, ["before"]);
        assert!(ended.failure.expect("a failure").contains("took longer"));
    }

    #[test]
    fn an_executable_ends_when_it_does_whatever_it_leaves_running() {
        let mut daemon = Command::new("sh");
        daemon.args(["-c", "sleep 20 & echo started"]);
        let ended = program::run_within(&mut daemon, Duration::from_secs(10)).expect("started");
        assert_eq!(ended.lines, ["started"]);
        assert_eq!(ended.failure, None);
    }

    #[test]
    fn a_filter_that_matches_no_test_fails() {
        let executable = Executable {
            folder: "/".into(),
            package: "none".to_owned(),
            name: "none".to_owned(),
            is_test: true,
            path: "/bin/true".into(),
        };
        let mut report = Report::default();
        let filter = ["typo".to_owned()];
        let error = run(&[executable], &filter, &mut report).expect_err("no test");
        assert!(error.to_string().contains("typo"), "{error}");
    }
}
