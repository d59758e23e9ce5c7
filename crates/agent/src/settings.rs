//! What an agent knows of itself: its manager, its key, its interface. The file is for root alone.

use std::{
    fs, io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use model::{clusters::Fingerprint, domains::Origin, names::InterfaceName};
use serde::{Deserialize, Serialize};

/// The settings, as they stand in the agent's folder.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where the manager answers.
    pub manager: Origin,
    /// The manager's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// What the agent shows to the manager. A secret.
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
    #[error("This host has not joined a site yet. Have it join with the code that Holdfast shows.")]
    NotJoined,
    /// Others may read the file.
    #[error("{} can be read by others. Make it root's alone (chmod 600), and have the host join again: its key may be known.", .0.display())]
    Open(PathBuf),
    /// The file does not say what it should.
    #[error("{} cannot be read: {cause}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The disk does not allow it.
    #[error("{}: {cause}", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
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
    /// When there are none, when others may read them, or when they are wrong.
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
            return Err(SettingsError::Open(path));
        }
        let text = fs::read_to_string(&path).map_err(disk)?;
        toml::from_str(&text).map_err(|error| SettingsError::Wrong {
            path: path.clone(),
            // What stands in the file is a secret: the words of the parser would quote it.
            cause: error.message().to_owned(),
        })
    }

    /// Writes the settings in the place of those that were, in one step.
    ///
    /// # Errors
    /// When the disk does not allow it.
    pub fn write(&self, base: &Path) -> Result<(), SettingsError> {
        let path = file(base);
        let wrong = |cause: toml::ser::Error| SettingsError::Wrong {
            path: path.clone(),
            cause: cause.to_string(),
        };
        let text = toml::to_string(self).map_err(wrong)?;
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
    fn settings_come_back_and_are_for_root_alone() {
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
        let open = Settings::read(folder.path()).unwrap_err();
        assert!(matches!(open, SettingsError::Open(_)), "{open}");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_key() {
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
