//! Disk space: warns before a long build, since running out of space causes misleading errors, and
//! moves temporary files of tests to a file system in memory.

use std::path::Path;
use std::process::Command;

use crate::program::say;
use crate::workspace::Workspace;

const GIB: u64 = 1 << 30;
/// Space in bytes that a full test run in a fresh clone needs: measured 9.6 GiB on Debian 12.
const FULL_RUN: u64 = 11 * GIB;
/// Space in bytes for temporary files of databases, browsers and servers in tests.
const TEMPORARY_FILES: u64 = 2 * GIB;
/// File system type of tmpfs, see statfs(2).
const TMPFS: rustix::fs::FsWord = 0x0102_1994;

/// Prints a warning if a full test run may fill the disk. The run continues, since existing build
/// results reduce the required space.
pub fn warn_when_low(workspace: &Workspace) {
    let target = workspace.target();
    let is_built = target.join("debug").exists() && target.join("release").exists();
    let needed = if is_built { TEMPORARY_FILES } else { FULL_RUN };
    for (folder, needed) in [
        (workspace.root(), needed),
        (&std::env::temp_dir(), TEMPORARY_FILES),
    ] {
        if let Some(line) = free(folder).and_then(|free| warning(folder, free, needed)) {
            say(&line);
        }
    }
}

/// Sets the program's temporary directory to /dev/shm if space allows, since test databases
/// otherwise wait for every write to reach the disk.
pub fn keep_temporary_files_in_memory(program: &mut Command) {
    let memory = Path::new("/dev/shm");
    let is_memory = rustix::fs::statfs(memory).is_ok_and(|fs| fs.f_type == TMPFS);
    if is_memory && free(memory).is_some_and(|free| free > TEMPORARY_FILES) {
        program.env("TMPDIR", memory);
    }
}

/// Returns the space in bytes that is available to unprivileged users.
fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

fn warning(folder: &Path, free: u64, needed: u64) -> Option<String> {
    let gib = |bytes: u64| bytes as f64 / GIB as f64;
    (free < needed).then(|| {
        format!(
            "the disk of {} has {:.1} GiB left, and the tests need about {:.0}: free up space if \
                they fail with \"no space left on device\"",
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
    fn warning_contains_free_and_required_space() {
        let warning = self::warning(Path::new("/tmp"), GIB / 2, FULL_RUN).expect("a warning");
        assert!(warning.contains("/tmp has 0.5 GiB left"), "{warning}");
        assert!(warning.contains("about 11"), "{warning}");
        assert_eq!(self::warning(Path::new("/tmp"), FULL_RUN, FULL_RUN), None);
    }

    #[test]
    fn free_space_is_read_from_the_file_system() {
        assert!(free(&std::env::temp_dir()).is_some_and(|bytes| bytes > 0));
        assert_eq!(free(Path::new("/there/is/no/such/folder")), None);
    }
}
