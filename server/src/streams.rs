//! The table of open event streams. It limits the streams of a user and ends those of a session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::UserId;
use tokio_util::sync::CancellationToken;

/// Maximum number of streams per user; browsers share one stream among their tabs.
const MAX_STREAMS_PER_USER: usize = 32;

/// The open event streams.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<StreamTable>>);

#[derive(Default)]
struct StreamTable {
    next: u64,
    open: HashMap<u64, Stream>,
}

struct Stream {
    user: UserId,
    token: String,
    ended: CancellationToken,
}

/// The slot of an open stream; dropping it frees the slot.
pub struct StreamSlot {
    streams: Streams,
    id: u64,
    /// Canceled when the stream has to end.
    pub ended: CancellationToken,
}

impl Streams {
    /// Opens a stream for `user`; `None` if the user has too many.
    pub fn open(&self, user: UserId, token: &str) -> Option<StreamSlot> {
        let mut table = self.table();
        if table
            .open
            .values()
            .filter(|stream| stream.user == user)
            .count()
            >= MAX_STREAMS_PER_USER
        {
            return None;
        }
        let (id, ended) = (table.next, CancellationToken::new());
        table.next += 1;
        let stream = Stream {
            user,
            token: token.to_owned(),
            ended: ended.clone(),
        };
        table.open.insert(id, stream);
        Some(StreamSlot {
            streams: self.clone(),
            id,
            ended,
        })
    }

    /// Ends the streams of a session.
    pub fn end(&self, token: &str) {
        for stream in self
            .table()
            .open
            .values()
            .filter(|stream| stream.token == token)
        {
            stream.ended.cancel();
        }
    }

    fn table(&self) -> MutexGuard<'_, StreamTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        self.streams.table().open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_per_user_are_limited_until_one_closes() {
        let streams = Streams::default();
        let mut open: Vec<_> = (0..MAX_STREAMS_PER_USER)
            .map(|_| streams.open(UserId(1), "a").unwrap())
            .collect();
        assert!(streams.open(UserId(1), "b").is_none());
        assert!(
            streams.open(UserId(2), "c").is_some(),
            "other users have their own limit"
        );
        open.pop();
        assert!(streams.open(UserId(1), "b").is_some());
    }

    #[test]
    fn ending_a_session_ends_only_its_streams() {
        let streams = Streams::default();
        let (ended, other) = (
            streams.open(UserId(1), "a").unwrap(),
            streams.open(UserId(1), "b").unwrap(),
        );
        streams.end("a");
        assert!(ended.ended.is_cancelled());
        assert!(!other.ended.is_cancelled());
    }
}
