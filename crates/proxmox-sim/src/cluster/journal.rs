//! The cluster log, in memory only.

use std::collections::VecDeque;

/// Maximum number of entries.
const MAX_ENTRIES: usize = 1_000;

/// A log entry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    /// Seconds since the Unix epoch.
    pub(crate) time: u64,
    pub(crate) node: String,
    /// The user or token that performed the action.
    pub(crate) user: String,
    pub(crate) message: String,
}

/// The latest entries.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    last: u64,
}

impl Journal {
    /// Adds an entry.
    pub(crate) fn add(&mut self, time: u64, node: &str, user: &str, message: String) {
        self.last += 1;
        self.entries.push_front(Entry {
            number: self.last,
            time,
            node: node.to_owned(),
            user: user.to_owned(),
            message,
        });
        self.entries.truncate(MAX_ENTRIES);
    }

    /// The entries, newest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}
