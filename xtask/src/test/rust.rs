//! Runs the Rust test executables, two at a time, since most tests wait for servers, databases and
//! timers rather than use the CPU.

use std::collections::VecDeque;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::bail;

use crate::binaries::Executable;
use crate::program::{self, ProgramOutput};
use crate::report::Report;
use crate::{disk, labeled_output};

/// Number of concurrent executables.
const EXECUTABLES: usize = 2;
/// Target names of the slowest executables.
const LONGEST: [&str; 5] = ["server", "faults", "use_cases", "store", "real"];
/// Concurrent tests per executable, unless the environment sets another number.
const THREADS: &str = "4";
/// Seed of property tests in CI, for repeatable runs.
const SEED: &str = "1";
/// Time limit per executable: several times the duration of the slowest one on two cores.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Runs the tests whose names contain a filter, or all tests without a filter.
///
/// # Errors
/// If a test fails, an executable fails or exceeds the time limit, or no test ran.
pub fn run(built: &[Executable], filter: &[String], report: &mut Report) -> anyhow::Result<()> {
    let mut tests: Vec<&Executable> = built.iter().filter(|built| built.is_test).collect();
    // The slowest executables start first to reduce the total time.
    let position = |built: &&Executable| LONGEST.iter().position(|name| *name == built.name);
    tests.sort_by_key(|built| position(built).unwrap_or(usize::MAX));
    let queue = Mutex::new(VecDeque::from(tests));
    let results = Mutex::new((report, Vec::new()));
    let label = labeled_output::label();
    std::thread::scope(|scope| {
        for _ in 0..EXECUTABLES {
            scope.spawn(|| {
                label.inspect(|label| labeled_output::set_label(label));
                let next = || lock(&queue).pop_front();
                while let Some(test) = next() {
                    let name = format!("{}/{}", test.package, test.name);
                    let ended = run_one(test, filter);
                    let (report, failed) = &mut *lock(&results);
                    if let Err(error) = ended.and_then(|ended| record(&name, &ended, report)) {
                        labeled_output::print(&format!("{error:#}"));
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

/// Locks a mutex and ignores poisoning, since a panic of a runner ends the run at the join.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_one(executable: &Executable, filter: &[String]) -> anyhow::Result<ProgramOutput> {
    let mut command = Command::new(&executable.path);
    command
        .current_dir(&executable.folder)
        // A differing snapshot fails the test and is not replaced.
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

/// Counts an executable's tests and prints its result. Prints the whole output on failure.
fn record(name: &str, ended: &ProgramOutput, report: &mut Report) -> anyhow::Result<()> {
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
        labeled_output::print(&format!("{title}: {result}"));
        return Ok(());
    };
    for line in &ended.lines {
        labeled_output::print(line);
    }
    bail!("{title}: {result} ({failure})");
}

/// Parses the number before a word in libtest's result line.
fn counted(result: &str, word: &str) -> u32 {
    let before = result.split(word).next().unwrap_or_default();
    let number = before.rsplit(' ').next().unwrap_or_default();
    number.parse().unwrap_or_default()
}

/// Parses the name and reason of an ignored test. Helper processes of other tests are excluded.
fn ignored(line: &str) -> Option<String> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ignored")?;
    let reason = rest.trim_start_matches([',', ' ']);
    (!reason.starts_with("helper process")).then(|| format!("{name} ({reason})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "running 3 tests\n\
        test kills::worker_process ... ignored, helper process that other tests start and kill\n\
        test http3 ... ignored, nginx has no HTTP/3\n\
        NOT CHECKED: recordings (file missing)\n\
        test result: ok. 12 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";

    fn ended(failure: Option<&str>) -> ProgramOutput {
        ProgramOutput {
            lines: OUTPUT.lines().map(str::to_owned).collect(),
            took: Duration::from_secs(1),
            failure: failure.map(str::to_owned),
        }
    }

    #[test]
    fn tests_are_counted_and_ignored_tests_are_reported_with_reason() {
        let mut report = Report::default();
        record("edge/real", &ended(None), &mut report).expect("passed");
        assert_eq!(report.tests, 13);
        assert!(report.unchecked.contains("http3 (nginx has no HTTP/3)"));
        assert!(report.unchecked.contains("recordings (file missing)"));
    }

    #[test]
    fn failed_executable_still_reports_unchecked_items() {
        let mut report = Report::default();
        let ended = ended(Some("exit status: 101"));
        let error = record("edge/real", &ended, &mut report).expect_err("failed");
        assert!(error.to_string().contains("exit status: 101"), "{error}");
        assert_eq!((report.tests, report.unchecked.len()), (13, 2));
    }

    /// libtest captures the output of passing tests, so reports must bypass the capture.
    #[test]
    fn report_of_a_passing_test_is_not_captured() {
        let own_executable = Executable {
            folder: "/".into(),
            package: "xtask".to_owned(),
            name: "xtask".to_owned(),
            is_test: true,
            path: std::env::current_exe().expect("a path"),
        };
        let filter = ["--ignored", "unchecked_item_is_printed"].map(str::to_owned);
        let mut report = Report::default();
        run(&[own_executable], &filter, &mut report).expect("passed");
        assert_eq!((report.tests, report.unchecked.len()), (1, 1));
    }

    #[test]
    #[ignore = "helper process: its output is read by another test"]
    fn unchecked_item_is_printed() {
        use std::io::Write as _;
        writeln!(std::io::stderr(), "NOT CHECKED: an example").expect("written");
    }

    #[test]
    fn executable_is_killed_at_the_time_limit() {
        let mut sleep = Command::new("sh");
        sleep.args(["-c", "echo before; exec sleep 60"]);
        let ended = program::run_within(&mut sleep, Duration::from_millis(300)).expect("started");
        assert_eq!(ended.lines, ["before"]);
        assert!(ended.failure.expect("a failure").contains("timed out"));
    }

    #[test]
    fn executable_ends_although_its_child_keeps_running() {
        let mut daemon = Command::new("sh");
        daemon.args(["-c", "sleep 20 & echo started"]);
        let ended = program::run_within(&mut daemon, Duration::from_secs(10)).expect("started");
        assert_eq!(ended.lines, ["started"]);
        assert_eq!(ended.failure, None);
    }

    #[test]
    fn filter_without_matches_fails() {
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
