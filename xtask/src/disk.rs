//! Disk space: a warning before long work begins, since a build that runs out of it fails elsewhere
//! with another message; and a place in memory for the temporary files of tests.

use std::path::Path;
use std::process::Command;

use crate::program::say;
use crate::workspace::Workspace;

const GIB: u64 = 1 << 30;
/// What a whole run of the tests in a fresh clone adds, in bytes: measured 9.6 GiB on Debian 12.
const WHOLE_RUN: u64 = 11 * GIB;
/// What databases, browsers and servers of tests need at once beside it, in bytes.
const PASSING: u64 = 2 * GIB;
/// The kind of a file system in memory (statfs(2)).
const TMPFS: rustix::fs::FsWord = 0x0102_1994;

/// Warns of a disk that a first whole run of the tests would fill. It goes on all the same, since
/// what was built before is not built again.
pub fn warn_when_low(workspace: &Workspace) {
    let target = workspace.target();
    let is_built = target.join("debug").exists() && target.join("release").exists();
    let needed = if is_built { PASSING } else { WHOLE_RUN };
    for (folder, needed) in [(workspace.root(), needed), (&std::env::temp_dir(), PASSING)] {
        if let Some(line) = free(folder).and_then(|free| low(folder, free, needed)) {
            say(&line);
        }
    }
}

/// Has a program keep its temporary files in memory, where there is room: databases of tests wait
/// for every write to reach the disk otherwise.
pub fn keep_temporary_files_in_memory(program: &mut Command) {
    let memory = Path::new("/dev/shm");
    let is_memory = rustix::fs::statfs(memory).is_ok_and(|fs| fs.f_type == TMPFS);
    if is_memory && free(memory).is_some_and(|free| free > PASSING) {
        program.env("TMPDIR", memory);
    }
}

/// What a user without special rights may still write there, in bytes.
fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

fn low(folder: &Path, free: u64, needed: u64) -> Option<String> {
    let gib = |bytes: u64| bytes as f64 / GIB as f64;
    (free < needed).then(|| {
        format!(
            "the disk of {} has {:.1} GiB left, and the tests need about {:.0}: make room if they \
             fail with \"no space left on device\"",
            folder.display(),
            gib(free),
            gib(needed)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_too_small_is_told_of_with_what_it_has_and_what_is_needed() {
        let said = low(Path::new("/tmp"), GIB / 2, WHOLE_RUN).expect("a warning");
        assert!(said.contains("/tmp has 0.5 GiB left"), "{said}");
        assert!(said.contains("about 11"), "{said}");
        assert_eq!(low(Path::new("/tmp"), WHOLE_RUN, WHOLE_RUN), None);
    }

    #[test]
    fn room_is_read_off_the_disk() {
        assert!(free(&std::env::temp_dir()).is_some_and(|bytes| bytes > 0));
        assert_eq!(free(Path::new("/there/is/no/such/folder")), None);
    }
}
