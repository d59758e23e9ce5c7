//! Reads the DHCP leases of this host's dnsmasq from its lease file. The file is checked after each
//! poll of the manager, and read if it changed since the last report.

use std::{os::unix::fs::MetadataExt as _, path::PathBuf};

use agent_protocol::LeasesReport;
use edge::Layout;
use model::{
    Timestamp,
    dhcp_leases::{Lease, MAX_LEASES},
};
use tokio::io::AsyncReadExt as _;

/// The maximum size of the lease file, in bytes. A lease takes about 100.
const MAX_FILE_SIZE: u64 = 4 * 1024 * 1024;

/// Identifies a version of the lease file; dnsmasq replaces the file. The time is only compared for
/// equality, so a wrong clock does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileVersion {
    inode: u64,
    length: u64,
    written: (i64, i64),
}

/// Reports leases when the lease file changes. Holds the version that was reported last.
#[derive(Debug, Default)]
pub struct LeaseReporter(Option<FileVersion>);

/// Leases that were not reported yet.
#[derive(Debug)]
pub struct LeaseUpdate {
    leases: LeasesReport,
    version: FileVersion,
}

impl LeaseUpdate {
    /// All current leases.
    pub fn leases(&self) -> &LeasesReport {
        &self.leases
    }
}

impl LeaseReporter {
    /// Returns the leases if the file changed since the last report; none if it does not exist.
    pub async fn poll(&self, layout: &Layout) -> Option<LeaseUpdate> {
        let path = PathBuf::from(layout.state.as_str()).join("dnsmasq.leases");
        let metadata = tokio::fs::metadata(&path).await.ok()?;
        let version = FileVersion {
            inode: metadata.ino(),
            length: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
        };
        if self.0 == Some(version) {
            return None;
        }
        let mut text = String::new();
        let file = tokio::fs::File::open(&path).await.ok()?;
        let read = file.take(MAX_FILE_SIZE).read_to_string(&mut text).await;
        read.inspect_err(|error| tracing::warn!(%error, "lease file read failed"))
            .ok()?;
        let leases = leases(&text, Timestamp::now().since_epoch().as_secs());
        Some(LeaseUpdate {
            leases: LeasesReport { leases },
            version,
        })
    }

    /// Records that the manager has received the leases.
    pub fn mark_reported(&mut self, update: &LeaseUpdate) {
        self.0 = Some(update.version);
    }
}

/// Parses dnsmasq's lease file at time `now`, in seconds since 1970. Each line is `EXPIRY MAC
/// ADDRESS NAME CLIENT`, where `*` is an unknown name and an expiry of 0 means that the lease never
/// expires. Lines that are not for IPv4 over Ethernet are skipped.
fn leases(text: &str, now: u64) -> Vec<Lease> {
    let lease = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let expiry: u64 = fields.next()?.parse().ok()?;
        Some(Lease {
            mac: fields.next()?.parse().ok()?,
            address: fields.next()?.parse().ok()?,
            name: fields.next().and_then(|name| name.parse().ok()),
            remaining_s: (expiry != 0).then(|| expiry.saturating_sub(now)),
        })
    };
    text.lines().filter_map(lease).take(MAX_LEASES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_file_is_parsed() {
        let text = "1800000000 bc:24:11:00:00:01 10.20.0.100 * 01:bc:24:11:00:00:01\n\
                    0 bc:24:11:00:00:02 10.20.9.10 printer *\n\
                    1700000000 bc:24:11:00:00:03 10.20.9.11 * *\n\
                    duid 00:01:00:01\n\
                    1800000000 123 fd00::5 * 00:01\n\
                    1800000000 06-aa:bb 10.20.9.12 * *\nhalf";
        let metadata = leases(text, 1_799_999_000);
        let left: Vec<Option<u64>> = metadata.iter().map(|lease| lease.remaining_s).collect();
        assert_eq!(left, [Some(1000), None, Some(0)]);
        let names: Vec<Option<String>> = metadata
            .iter()
            .map(|lease| lease.name.as_ref().map(ToString::to_string))
            .collect();
        assert_eq!(names, [None, Some("printer".to_owned()), None]);
    }
}
