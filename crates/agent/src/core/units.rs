//! Writes the systemd units of a host: the agent's unit, and those of its roles.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::role::RoleUnits;

/// The agent's unit.
const AGENT: (&str, &str) = (
    "holdfast-agent.service",
    include_str!("../../systemd/holdfast-agent.service"),
);

/// Why the units could not be written.
#[derive(Debug, thiserror::Error)]
pub enum UnitsError {
    /// A path has characters that a unit file would interpret.
    #[error("{} cannot be used in a unit: use a path with letters, digits, dots, hyphens and \
        underscores.", .0.display())]
    Path(PathBuf),
    /// A file operation failed.
    #[error("{}: {cause}", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// The error of the system call.
        cause: io::Error,
    },
}

/// Writes the units for this program, directory and roles below `to`. Returns their paths. Blocks.
///
/// # Errors
/// If a path contains characters that a unit cannot contain, or a file cannot be written.
pub fn write(
    program: &Path,
    folder: &Path,
    to: &Path,
    roles: &[RoleUnits],
) -> Result<Vec<PathBuf>, UnitsError> {
    let (program, folder) = (plain(program)?, plain(folder)?);
    // With a hyphen, systemd ignores a path that does not exist.
    let writable = roles.iter().flat_map(|role| role.writable);
    let writable: String = writable.map(|path| format!(" -{path}")).collect();
    let write = |(name, text): (&str, &str)| {
        let path = to.join(name);
        let text = text.replace("@PROGRAM@", &program);
        let text = text.replace("@FOLDER@", &folder);
        let text = text.replace("@WRITABLE@", &writable);
        let created = path.parent().map_or(Ok(()), fs::create_dir_all);
        match created.and_then(|()| fs::write(&path, text)) {
            Ok(()) => Ok(path),
            Err(cause) => Err(UnitsError::Disk { path, cause }),
        }
    };
    let files = roles.iter().flat_map(|role| role.files);
    std::iter::once(&AGENT)
        .chain(files)
        .map(|file| write(*file))
        .collect()
}

/// Checks that a path has no characters that systemd would interpret.
fn plain(path: &Path) -> Result<String, UnitsError> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    let text = path.to_str().filter(|text| text.chars().all(is_allowed));
    let is_plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    match text {
        Some(text) if path.is_absolute() && path.components().all(is_plain) => Ok(text.to_owned()),
        _ => Err(UnitsError::Path(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_with_special_characters_is_refused() {
        let to = tempfile::tempdir().unwrap();
        for odd in ["/a b", "/a%n", "/a\nExecStart=/b", "a"] {
            let refused = write(Path::new(odd), Path::new("/var/lib/a"), to.path(), &[]);
            assert!(matches!(refused, Err(UnitsError::Path(_))), "{odd}");
        }
    }
}
