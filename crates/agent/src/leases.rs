//! Which addresses this host's dnsmasq has lent, from the file in which it keeps them. It is looked at
//! when the agent asks for what is new, at most every half minute while there is nothing, and read
//! when it is another than the one that was told.

use std::{
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use edge::{Layout, link::Leases};
use model::leases::{Lease, MOST};
use tokio::io::AsyncReadExt as _;

/// The largest file that is read, in bytes: some 100 for each lease, and more than are told.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What tells one state of a file from another: dnsmasq writes it anew in its place. The time is only
/// compared, so that a clock that is wrong is no matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    inode: u64,
    length: u64,
    written: (i64, i64),
}

/// What the manager knows of the leases.
#[derive(Debug, Default)]
pub struct Lent(Option<Mark>);

/// What it does not know yet.
#[derive(Debug)]
pub struct News {
    leases: Leases,
    mark: Mark,
}

impl News {
    /// All that are lent.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }
}

impl Lent {
    /// The leases, when they are others than those that were told; none before dnsmasq has lent
    /// anything, too.
    pub async fn news(&self, layout: &Layout) -> Option<News> {
        let path = PathBuf::from(layout.state.as_str()).join("dnsmasq.leases");
        let found = tokio::fs::metadata(&path).await.ok()?;
        let mark = Mark {
            inode: found.ino(),
            length: found.len(),
            written: (found.mtime(), found.mtime_nsec()),
        };
        if self.0 == Some(mark) {
            return None;
        }
        let mut text = String::new();
        let file = tokio::fs::File::open(&path).await.ok()?;
        let read = file.take(LARGEST).read_to_string(&mut text).await;
        read.inspect_err(|error| tracing::warn!(%error, "the leases could not be read"))
            .ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let leases = leases(&text, now.map_or(0, |now| now.as_secs()));
        Some(News {
            leases: Leases { leases },
            mark,
        })
    }

    /// Notes that the manager knows them now.
    pub fn told(&mut self, news: &News) {
        self.0 = Some(news.mark);
    }
}

/// The leases of dnsmasq's file, at a time of day in seconds since 1970: a line each, `EXPIRY MAC
/// ADDRESS NAME CLIENT`, where `*` stands for a name that is not known and an expiry of 0 for no end.
/// What is no address of IPv4 and Ethernet is passed over.
fn leases(text: &str, now: u64) -> Vec<Lease> {
    let lease = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let expiry: u64 = words.next()?.parse().ok()?;
        Some(Lease {
            mac: words.next()?.parse().ok()?,
            address: words.next()?.parse().ok()?,
            name: words.next().and_then(|name| name.parse().ok()),
            left_s: (expiry != 0).then(|| expiry.saturating_sub(now)),
        })
    };
    text.lines().filter_map(lease).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_dnsmasq_is_read() {
        let text = "1800000000 bc:24:11:00:00:01 10.20.0.100 * 01:bc:24:11:00:00:01\n\
                    0 bc:24:11:00:00:02 10.20.9.10 printer *\n\
                    1700000000 bc:24:11:00:00:03 10.20.9.11 * *\n\
                    duid 00:01:00:01\n\
                    1800000000 123 fd00::5 * 00:01\n\
                    1800000000 06-aa:bb 10.20.9.12 * *\nhalf";
        let found = leases(text, 1_799_999_000);
        let left: Vec<Option<u64>> = found.iter().map(|lease| lease.left_s).collect();
        assert_eq!(left, [Some(1000), None, Some(0)]);
        let names: Vec<Option<String>> = found
            .iter()
            .map(|lease| lease.name.as_ref().map(ToString::to_string))
            .collect();
        assert_eq!(names, [None, Some("printer".to_owned()), None]);
    }
}
