//! Runs the Rust tests: the executables that Cargo built, two at a time, since most tests wait for
//! servers, databases and timers more than they compute.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, bail};

use super::report::Report;
use crate::binaries::Executable;
use crate::{disk, lane};

/// Executables at a time.
const EXECUTABLES: usize = 2;
/// The executables that take longest, by the names of their targets.
const LONGEST: [&str; 4] = ["faults", "store", "jobs", "real"];
/// Tests at a time in each, where the environment does not say otherwise.
const THREADS: &str = "4";
/// The seed of property tests where runs must be repeatable.
const SEED: &str = "1";

/// Runs every test whose name contains a filter; all of them without one.
///
/// # Errors
/// When a test fails, an executable does not end well, or no test ran.
pub fn run(built: &[Executable], filter: &[String], report: &mut Report) -> anyhow::Result<()> {
    let mut tests: Vec<&Executable> = built.iter().filter(|built| built.is_test).collect();
    // What takes longest begins first, so that it does not run alone at the end.
    tests.sort_by_key(|built| {
        LONGEST
            .iter()
            .position(|name| *name == built.name)
            .unwrap_or(usize::MAX)
    });
    let queue = Mutex::new(VecDeque::from(tests));
    let results = Mutex::new((report, Vec::new()));
    let label = lane::current();
    std::thread::scope(|scope| {
        for _ in 0..EXECUTABLES {
            scope.spawn(|| {
                if let Some(label) = label {
                    lane::enter(label);
                }
                let next = || queue.lock().ok()?.pop_front();
                while let Some(executable) = next() {
                    let ended = run_one(executable, filter);
                    let Ok(mut results) = results.lock() else {
                        return;
                    };
                    let (report, failed) = &mut *results;
                    if let Err(error) = ended.and_then(|ended| ended.take_down(report)) {
                        lane::print(&format!("{error:#}"));
                        failed.push(format!("{}/{}", executable.package, executable.name));
                    }
                }
            });
        }
    });
    let (report, failed) = results
        .into_inner()
        .map_err(|_| anyhow::anyhow!("a test runner panicked"))?;
    if !failed.is_empty() {
        bail!("tests failed in {}", failed.join(", "));
    }
    if report.tests == 0 {
        bail!("no test ran; filter: {}", filter.join(" "));
    }
    Ok(())
}

/// An executable that has ended.
struct Ended {
    title: String,
    success: bool,
    output: String,
}

fn run_one(executable: &Executable, filter: &[String]) -> anyhow::Result<Ended> {
    let start = Instant::now();
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
    let output = command
        .output()
        .with_context(|| not_started(&executable.path))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok(Ended {
        title: format!(
            "{}/{} ({:.1} s)",
            executable.package,
            executable.name,
            start.elapsed().as_secs_f32()
        ),
        success: output.status.success(),
        output: text,
    })
}

fn not_started(path: &Path) -> String {
    format!("{} could not start", path.display())
}

impl Ended {
    /// Counts its tests, shows its result, and all of its output when it failed.
    fn take_down(self, report: &mut Report) -> anyhow::Result<()> {
        let mut result = "no result";
        for line in self.output.lines() {
            report.inspect(line);
            if let Some(ignored) = ignored(line) {
                report.unchecked.insert(ignored);
            }
            if let Some(counts) = line.strip_prefix("test result: ") {
                result = counts;
                report.tests += counted(counts, " passed") + counted(counts, " failed");
            }
        }
        if !self.success {
            for line in self.output.lines() {
                lane::print(line);
            }
            bail!("{}: {result}", self.title);
        }
        lane::print(&format!("{}: {result}", self.title));
        Ok(())
    }
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

    fn ended(success: bool) -> Ended {
        Ended {
            title: "edge/real (1.0 s)".to_owned(),
            success,
            output: OUTPUT.to_owned(),
        }
    }

    #[test]
    fn tests_are_counted_and_ignored_ones_are_named_with_their_reason() {
        let mut report = Report::default();
        ended(true).take_down(&mut report).expect("passed");
        assert_eq!(report.tests, 13);
        assert!(report.unchecked.contains("http3 (nginx has no HTTP/3)"));
        assert!(report.unchecked.contains("recordings (file missing)"));
    }

    #[test]
    fn a_failed_executable_still_reports_what_was_not_checked() {
        let mut report = Report::default();
        ended(false).take_down(&mut report).expect_err("failed");
        assert_eq!((report.tests, report.unchecked.len()), (13, 2));
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
        let error = run(&[executable], &["typo".to_owned()], &mut report).expect_err("no test");
        assert!(error.to_string().contains("typo"), "{error}");
    }
}
