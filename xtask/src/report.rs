//! The report of a test part.

use std::collections::BTreeSet;
use std::time::Duration;

/// Prefix of a line in which a test reports an unchecked item, with the reason in parentheses.
pub const UNCHECKED: &str = "NOT CHECKED: ";

/// The report of a part.
#[derive(Debug, Default)]
pub struct Report {
    /// Number of executed tests.
    pub tests: u32,
    /// Duration of the builds that the part needs. Parts share builds and run concurrently with
    /// others.
    pub build: Duration,
    /// Time that the part waited for builds.
    pub waited: Duration,
    /// Additional text for the summary.
    pub note: Option<String>,
    /// Items that the part could not check.
    pub unchecked: BTreeSet<String>,
}

impl Report {
    /// Records an unchecked item if the line of a test's output reports one.
    pub fn inspect(&mut self, line: &str) {
        if let Some((_, what)) = line.split_once(UNCHECKED) {
            self.unchecked.insert(what.trim().to_owned());
        }
    }
}
