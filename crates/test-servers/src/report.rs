//! Lines that are shown even when the test that prints them passes: libtest captures what the macros
//! print, and nothing else.

use std::io::Write as _;

/// Prints a line.
pub fn report(line: &str) {
    // A test does not fail because its output is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Reports something that a test could not check, and why. `cargo xtask test` collects these.
pub fn not_checked(what: &str, why: &str) {
    report(&format!("NOT CHECKED: {what} ({why})"));
}
