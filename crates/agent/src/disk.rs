//! Files and folders, and what can go wrong with them. All of this waits for the disk.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

const FILE_MODE: u32 = 0o644;

/// Why files could not be written or read. The live generation is what it was.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// There is no room.
    #[error("The disk is full at {}.", path.display())]
    Full {
        /// Where.
        path: PathBuf,
    },
    /// Another process works there.
    #[error("Another agent works in this folder: {}.", path.display())]
    InUse {
        /// What it holds.
        path: PathBuf,
    },
    /// Anything else.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

pub(crate) type Result<T> = std::result::Result<T, DiskError>;

/// The bytes of a generation by path, such as `nginx/nginx.conf`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Gives a file that holds these bytes a second name; whether it could.
pub(crate) fn link_same(same: &Path, to: &Path, bytes: &[u8]) -> bool {
    let plain = fs::symlink_metadata(same)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o7777 == FILE_MODE);
    plain && fs::read(same).is_ok_and(|found| found == bytes) && fs::hard_link(same, to).is_ok()
}

pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = fs::File::create_new(path)?;
        io::Write::write_all(&mut file, bytes)?;
        // Whatever the process masks.
        file.set_permissions(fs::Permissions::from_mode(FILE_MODE))
    };
    write().map_err(told(path))
}

/// Makes a folder, with exactly these rights when it is new.
pub(crate) fn make_folder(path: &Path, mode: u32) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let make = || {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(mode).create(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    };
    make().map_err(told(path))
}

/// Gives a folder exactly these rights.
pub(crate) fn allow(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(told(path))
}

/// Holds a file for as long as it is open; the system lets go of it however a process ends.
pub(crate) fn lock(path: &Path) -> Result<fs::File> {
    let mut how = fs::File::options();
    let file = how
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(told(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(DiskError::InUse {
            path: path.to_owned(),
        }),
        Err(fs::TryLockError::Error(error)) => Err(told(path)(error)),
    }
}

/// Has the bytes of a file, or what a folder lists, on the disk.
pub(crate) fn sync(path: &Path) -> Result<()> {
    let sync = || fs::File::open(path)?.sync_all();
    sync().map_err(told(path))
}

/// Removes whatever is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(told(path)(error)),
    };
    let removed = if found.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(told(path))
}

/// The bytes of every file below a folder. What is no plain file counts as one without bytes, which
/// no file of ours is.
pub(crate) fn files_of(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(told(&folder))? {
            let entry = entry.map_err(told(&folder))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(told(&path))?;
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = match kind.is_file() {
                true => fs::read(&path).map_err(told(&path))?,
                false => Vec::new(),
            };
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.insert(name.to_string_lossy().into_owned(), bytes);
        }
    }
    Ok(files)
}

pub(crate) fn told(path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskError::Full { path },
        _ => DiskError::Io { path, source },
    }
}
