//! What happened in the cluster lately, as its log tells it. Kept in memory only.

use std::collections::VecDeque;

/// How many entries are remembered.
const KEPT: usize = 1_000;

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    /// Seconds since 1970.
    pub(crate) time: u64,
    pub(crate) node: String,
    /// Who did it: a user or a token.
    pub(crate) user: String,
    pub(crate) message: String,
}

/// The last entries.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    last: u64,
}

impl Journal {
    /// Writes down what somebody did on a node.
    pub(crate) fn note(&mut self, time: u64, node: &str, user: &str, message: String) {
        self.last += 1;
        self.entries.push_front(Entry {
            number: self.last,
            time,
            node: node.to_owned(),
            user: user.to_owned(),
            message,
        });
        self.entries.truncate(KEPT);
    }

    /// The entries, newest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}
