//! The agent's settings: manager, key and interface. Only root may read the file.

use std::{
    fs, io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use model::{fingerprint::Fingerprint, names::InterfaceName, origin::Origin};
use serde::{Deserialize, Serialize};

/// The settings in the agent's directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The manager's URL.
    pub manager: Origin,
    /// The fingerprint of the manager's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// The agent's key for the manager. A secret.
    pub key: String,
    /// The interface in the site's network.
    pub interface: InterfaceName,
}

/// The key is a secret.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("manager", &self.manager)
            .field("interface", &self.interface)
            .finish_non_exhaustive()
    }
}

/// Why settings could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The host has not joined.
    #[error("This host has not joined a site. Run `holdfast-agent join` with a join token.")]
    NotJoined,
    /// Other users may read the file.
    #[error("{} is readable by other users. Run chmod 600 on it, and join again with a new token: the key may be known.", .0.display())]
    InsecurePermissions(PathBuf),
    /// The file cannot be parsed.
    #[error("{} cannot be read: {cause}", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The parser's message.
        cause: String,
    },
    /// A file operation failed.
    #[error("{}: {cause}", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// The error of the system call.
        cause: io::Error,
    },
}

fn file(base: &Path) -> PathBuf {
    base.join("agent.toml")
}

impl Settings {
    /// Reads the settings of a host that has joined.
    ///
    /// # Errors
    /// If the file is missing, readable by other users, or invalid.
    pub fn read(base: &Path) -> Result<Self, SettingsError> {
        let path = file(base);
        let disk = |cause| match cause {
            cause if io::Error::kind(&cause) == io::ErrorKind::NotFound => SettingsError::NotJoined,
            cause => SettingsError::Disk {
                path: path.clone(),
                cause,
            },
        };
        let mode = fs::metadata(&path).map_err(disk)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(SettingsError::InsecurePermissions(path));
        }
        let text = fs::read_to_string(&path).map_err(disk)?;
        toml::from_str(&text).map_err(|error| SettingsError::Parse {
            path: path.clone(),
            // The parser's full message would quote the file, which contains a secret.
            cause: error.message().to_owned(),
        })
    }

    /// Replaces the settings atomically.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, base: &Path) -> Result<(), SettingsError> {
        let path = file(base);
        let parse_error = |cause: toml::ser::Error| SettingsError::Parse {
            path: path.clone(),
            cause: cause.to_string(),
        };
        let text = toml::to_string(self).map_err(parse_error)?;
        let written = put(base, &path, text.as_bytes());
        written.map_err(|cause| SettingsError::Disk { path, cause })
    }
}

fn put(base: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(base)?;
    let new = base.join("agent.toml.new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    fs::File::open(base)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            manager: "https://cloud.example.org".parse().unwrap(),
            fingerprint: Some(["0A"; 32].join(":").parse().unwrap()),
            key: "a key".into(),
            interface: "eth1".parse().unwrap(),
        }
    }

    #[test]
    fn settings_round_trip_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Settings::read(folder.path()).unwrap_err();
        assert!(matches!(missing, SettingsError::NotJoined), "{missing}");
        settings().write(folder.path()).unwrap();
        settings().write(folder.path()).unwrap();
        assert_eq!(Settings::read(folder.path()).unwrap(), settings());
        let path = file(folder.path());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Settings::read(folder.path()).unwrap_err();
        assert!(
            matches!(error, SettingsError::InsecurePermissions(_)),
            "{error}"
        );
    }

    #[test]
    fn parse_errors_do_not_reveal_key() {
        let folder = tempfile::tempdir().unwrap();
        settings().write(folder.path()).unwrap();
        let path = file(folder.path());
        let text = fs::read_to_string(&path).unwrap().replace("https:", "ftp:");
        fs::write(&path, text).unwrap();
        let wrong = Settings::read(folder.path()).unwrap_err().to_string();
        assert!(wrong.contains("agent.toml"), "{wrong}");
        assert!(!wrong.contains("a key") && !format!("{:?}", settings()).contains("a key"));
    }
}
