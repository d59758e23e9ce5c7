//! Writes the systemd units of an edge host: the agent's unit, and drop-ins that make nginx and
//! dnsmasq use the live files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The files below systemd's unit directory.
const FILES: [(&str, &str); 3] = [
    (
        "holdfast-agent.service",
        include_str!("../systemd/holdfast-agent.service"),
    ),
    (
        "nginx.service.d/holdfast.conf",
        include_str!("../systemd/nginx.conf"),
    ),
    (
        "dnsmasq.service.d/holdfast.conf",
        include_str!("../systemd/dnsmasq.conf"),
    ),
];

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

/// Writes the units for this program and directory below `to`. Returns their paths. Blocks.
///
/// # Errors
/// If a path contains characters that a unit cannot contain, or a file cannot be written.
pub fn write(program: &Path, folder: &Path, to: &Path) -> Result<Vec<PathBuf>, UnitsError> {
    let (program, folder) = (plain(program)?, plain(folder)?);
    let write = |(name, text): (&str, &str)| {
        let path = to.join(name);
        let text = text.replace("@PROGRAM@", &program);
        let text = text.replace("@FOLDER@", &folder);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        match made.and_then(|()| fs::write(&path, text)) {
            Ok(()) => Ok(path),
            Err(cause) => Err(UnitsError::Disk { path, cause }),
        }
    };
    FILES.into_iter().map(write).collect()
}

/// Checks that a path has no characters that systemd would interpret.
fn plain(path: &Path) -> Result<String, UnitsError> {
    let text = path.to_str().and_then(|text| text.parse().ok());
    let place: edge::Place = text.ok_or_else(|| UnitsError::Path(path.to_owned()))?;
    Ok(place.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_with_special_characters_is_refused() {
        let to = tempfile::tempdir().unwrap();
        for odd in ["/a b", "/a%n", "/a\nExecStart=/b", "a"] {
            let refused = write(Path::new(odd), Path::new("/var/lib/a"), to.path());
            assert!(matches!(refused, Err(UnitsError::Path(_))), "{odd}");
        }
    }
}
