//! Output that is shown even if the test passes: libtest captures only the output of the print
//! macros.

use std::io::Write as _;

/// Prints a line to standard error.
pub fn report(line: &str) {
    // A closed standard error must not fail the test.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Reports what a test could not check, and why. `cargo xtask test` collects these lines.
pub fn not_checked(what: &str, reason: &str) {
    report(&format!("NOT CHECKED: {what} ({reason})"));
}
