//! Blocking operations on files and directories, with their errors.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

const FILE_MODE: u32 = 0o644;
/// The mode of directories that any user may read.
pub(crate) const PUBLIC_MODE: u32 = 0o755;

/// Why a file operation failed. The live generation is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The disk is full.
    #[error("The disk is full at {}.", path.display())]
    Full {
        /// The path.
        path: PathBuf,
    },
    /// Another process uses the directory.
    #[error("Another agent uses this directory: {}.", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// Any other I/O error.
    #[error("{}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The error of the system call.
        source: io::Error,
    },
}

pub(crate) type Result<T> = std::result::Result<T, DiskError>;

/// The content of a generation by path relative to its directory.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Hard-links `to` to `same` if that file has these bytes and the expected mode. Returns whether it
/// did.
pub(crate) fn link_same(same: &Path, to: &Path, bytes: &[u8]) -> bool {
    let plain = fs::symlink_metadata(same)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o7777 == FILE_MODE);
    plain && fs::read(same).is_ok_and(|found| found == bytes) && fs::hard_link(same, to).is_ok()
}

pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = fs::File::create_new(path)?;
        io::Write::write_all(&mut file, bytes)?;
        // Independent of the umask.
        file.set_permissions(fs::Permissions::from_mode(FILE_MODE))
    };
    write().map_err(io_error(path))
}

/// The mode of directories with private keys.
pub(crate) const SECRET_MODE: u32 = 0o700;

/// Creates a directory with exactly this mode, if it does not exist.
pub(crate) fn create_folder(path: &Path, mode: u32) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let make = || {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(mode).create(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    };
    make().map_err(io_error(path))
}

/// Creates a directory for private keys, or closes an existing one to other users.
pub(crate) fn create_secret_folder(path: &Path) -> Result<()> {
    create_folder(path, SECRET_MODE)?;
    fs::set_permissions(path, fs::Permissions::from_mode(SECRET_MODE)).map_err(io_error(path))
}

/// Creates a directory that any user may read, or makes an existing one readable: programs drop
/// privileges after their start.
pub(crate) fn create_public_folder(path: &Path) -> Result<()> {
    create_folder(path, PUBLIC_MODE)?;
    fs::set_permissions(path, fs::Permissions::from_mode(PUBLIC_MODE)).map_err(io_error(path))
}

/// Replaces a file atomically.
pub(crate) fn replace_file(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(&new)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    fs::rename(new, path)
}

/// Locks a file until it is closed. The kernel releases the lock when the process exits.
pub(crate) fn lock(path: &Path) -> Result<fs::File> {
    let mut options = fs::File::options();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(io_error(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(DiskError::InUse {
            path: path.to_owned(),
        }),
        Err(fs::TryLockError::Error(error)) => Err(io_error(path)(error)),
    }
}

/// Flushes a file or directory to the disk.
pub(crate) fn sync(path: &Path) -> Result<()> {
    let sync = || fs::File::open(path)?.sync_all();
    sync().map_err(io_error(path))
}

/// Removes a file or a directory with its content, if it exists.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error(path)(error)),
    };
    let removed = if found.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(io_error(path))
}

/// Reads every file below a directory. Anything that is not a regular file counts as empty, which
/// no rendered file is.
pub(crate) fn files_of(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(io_error(&folder))? {
            let entry = entry.map_err(io_error(&folder))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(io_error(&path))?;
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = match kind.is_file() {
                true => fs::read(&path).map_err(io_error(&path))?,
                false => Vec::new(),
            };
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.insert(name.to_string_lossy().into_owned(), bytes);
        }
    }
    Ok(files)
}

pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskError::Full { path },
        _ => DiskError::Io { path, source },
    }
}
