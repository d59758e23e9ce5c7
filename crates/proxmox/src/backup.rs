//! Backups of containers, and restoring them. Backups are listed and deleted like other content of
//! a storage ([`Client::content`], [`Client::delete_content`]).

use crate::{
    Client, PoolId, Upid, Vmid,
    error::Error,
    http::Call,
    params::{Params, PropertyPart, property_string, unsendable},
};

/// How to get consistent data during a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupMode {
    /// Copies a snapshot of the disks while the guest runs. Falls back to `Suspend` on storages
    /// without snapshots.
    Snapshot,
    /// Copies the running guest, then suspends it shortly to copy the changes.
    Suspend,
    /// Shuts the guest down for the backup and starts it again.
    Stop,
}

/// The compression of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// None. Proxmox Backup Server compresses its chunks.
    None,
    /// Zstandard: fast, with a high ratio.
    Zstd,
    /// gzip: slow, with a high ratio.
    Gzip,
    /// LZO: fast, with a low ratio.
    Lzo,
}

/// Which backups of a guest to keep after a new one. At least one number must be above zero, so
/// that not all are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The number of latest backups.
    pub last: Option<u32>,
    /// The number of hours of which the last backup is kept.
    pub hourly: Option<u32>,
    /// The number of days of which the last backup is kept.
    pub daily: Option<u32>,
    /// The number of weeks of which the last backup is kept.
    pub weekly: Option<u32>,
    /// The number of months of which the last backup is kept.
    pub monthly: Option<u32>,
    /// The number of years of which the last backup is kept.
    pub yearly: Option<u32>,
}

impl Retention {
    fn property(&self) -> Result<String, Error> {
        let numbers = [
            ("keep-last", self.last),
            ("keep-hourly", self.hourly),
            ("keep-daily", self.daily),
            ("keep-weekly", self.weekly),
            ("keep-monthly", self.monthly),
            ("keep-yearly", self.yearly),
        ];
        let numbers: Vec<_> = numbers
            .into_iter()
            .filter_map(|(key, number)| Some((key, number?.to_string())))
            .collect();
        // All zeros would mean to keep every backup.
        if numbers.iter().all(|(_, number)| number == "0") {
            return Err(unsendable("prune-backups", "set how many backups to keep"));
        }
        let parts: Vec<_> = numbers
            .iter()
            .map(|(key, number)| PropertyPart::Pair(key, number))
            .collect();
        property_string("prune-backups", &parts)
    }
}

/// A backup to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The guests.
    pub vmids: Vec<Vmid>,
    /// The target storage.
    pub storage: String,
    /// The mode.
    pub mode: BackupMode,
    /// The compression.
    pub compress: Compression,
    /// The notes. `{{guestname}}`, `{{node}}`, `{{vmid}}` and `{{cluster}}` are replaced; line
    /// breaks are escaped as Proxmox requires.
    pub notes: Option<String>,
    /// Whether the backup is protected from deletion and pruning.
    pub protected: bool,
    /// The retention to apply to older backups; `None` deletes none.
    pub retention: Option<Retention>,
}

impl Backup {
    /// A Zstandard backup of one guest in snapshot mode.
    pub fn new(vmid: Vmid, storage: impl Into<String>) -> Self {
        Self {
            vmids: vec![vmid],
            storage: storage.into(),
            mode: BackupMode::Snapshot,
            compress: Compression::Zstd,
            notes: None,
            protected: false,
            retention: None,
        }
    }

    fn params(&self) -> Result<Params, Error> {
        if self.vmids.is_empty() {
            return Err(unsendable("vmid", "at least one is required"));
        }
        let vmids: Vec<_> = self.vmids.iter().map(Vmid::to_string).collect();
        let mut params = Params::default().with("vmid", vmids.join(","));
        params.opt_line("storage", Some(&self.storage))?;
        params.set(
            "mode",
            match self.mode {
                BackupMode::Snapshot => "snapshot",
                BackupMode::Suspend => "suspend",
                BackupMode::Stop => "stop",
            },
        );
        params.set(
            "compress",
            match self.compress {
                Compression::None => "0",
                Compression::Zstd => "zstd",
                Compression::Gzip => "gzip",
                Compression::Lzo => "lzo",
            },
        );
        if let Some(notes) = &self.notes {
            // The template is one line with backslash escapes.
            let notes = notes.replace('\\', "\\\\").replace('\n', "\\n");
            params.opt_line("notes-template", Some(&notes))?;
        }
        if self.protected {
            params.flag("protected", true);
        }
        // `remove` must be sent, because the storage's own retention applies by default.
        params.flag("remove", self.retention.is_some());
        if let Some(retention) = &self.retention {
            params.set("prune-backups", retention.property()?);
        }
        Ok(params)
    }
}

/// A container to restore from a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreLxc {
    /// The VMID.
    pub vmid: Vmid,
    /// The volume ID of the backup, such as
    /// `local:backup/vzdump-lxc-300-2026_11_25-10_00_00.tar.zst`.
    pub archive: String,
    /// The storage for its disks; `None` means their original storage.
    pub storage: Option<String>,
    /// Whether the container is unprivileged; `None` means as in the backup.
    pub unprivileged: Option<bool>,
    /// The pool to add the container to.
    pub pool: Option<PoolId>,
    /// Whether to replace an existing container with this VMID, whose disks are destroyed. It must
    /// be stopped.
    pub overwrite: bool,
    /// Whether to assign new MAC addresses, required while the original container exists.
    pub unique: bool,
}

impl RestoreLxc {
    /// A container with the settings of the backup and an unused VMID.
    pub fn new(vmid: Vmid, archive: impl Into<String>) -> Self {
        Self {
            vmid,
            archive: archive.into(),
            storage: None,
            unprivileged: None,
            pool: None,
            overwrite: false,
            unique: false,
        }
    }

    fn params(&self) -> Result<Params, Error> {
        let mut params = Params::default().with("vmid", self.vmid);
        params.opt_line("ostemplate", Some(&self.archive))?;
        params.flag("restore", true);
        params.opt_line("storage", self.storage.as_deref())?;
        params.opt_flag("unprivileged", self.unprivileged);
        params.opt("pool", self.pool.as_ref());
        if self.overwrite {
            params.flag("force", true);
        }
        if self.unique {
            params.flag("unique", true);
        }
        Ok(params)
    }
}

/// Proxmox responds with `OK` instead of a UPID if the node has nothing to do.
fn task(response: &str) -> Result<Option<Upid>, Error> {
    if response == "OK" {
        return Ok(None);
    }
    Ok(Some(response.parse()?))
}

impl Client {
    /// Backs up the given guests that are on this node. Returns no task if there are none. A
    /// missing storage or guest is reported only by the task.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege VM.Backup on a guest or Datastore.AllocateSpace
    /// on the storage; with a retention also without Datastore.Allocate.
    pub async fn vzdump(&self, node: &str, backup: &Backup) -> Result<Option<Upid>, Error> {
        let call = Call::post(&["nodes", node, "vzdump"]).params(backup.params()?);
        let response: String = self.call(call.slow()).await?;
        task(&response).map_err(|_| Error::Protocol {
            address: self.address().to_owned(),
            cause: format!("{response:?} is not a UPID"),
        })
    }

    /// Restores a container from a backup. An unreadable backup is reported only by the task.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the VMID is used and `overwrite` is off, [`Error::Running`] if
    /// the container to replace is running.
    pub async fn restore_lxc(&self, node: &str, restore: &RestoreLxc) -> Result<Upid, Error> {
        let call = Call::post(&["nodes", node, "lxc"]).params(restore.params()?);
        self.call(call.slow()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vmid(number: u32) -> Vmid {
        Vmid::try_from(number).unwrap()
    }

    fn sent(backup: &Backup) -> Vec<String> {
        let params = backup.params().unwrap();
        let pairs = params.pairs().iter();
        pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn backup_prunes_only_with_retention() {
        let plain = Backup::new(vmid(300), "local");
        let expected = [
            "vmid=300",
            "storage=local",
            "mode=snapshot",
            "compress=zstd",
            "remove=0",
        ];
        assert_eq!(sent(&plain), expected);
        let retention = Retention {
            last: Some(3),
            weekly: Some(4),
            ..Retention::default()
        };
        let kept = Backup {
            vmids: vec![vmid(300), vmid(301)],
            notes: Some("{{guestname}}: a\\b\nc".to_owned()),
            protected: true,
            retention: Some(retention),
            ..plain.clone()
        };
        assert_eq!(sent(&kept)[0], "vmid=300,301");
        let expected = [
            "notes-template={{guestname}}: a\\\\b\\nc",
            "protected=1",
            "remove=1",
            "prune-backups=keep-last=3,keep-weekly=4",
        ];
        assert_eq!(sent(&kept)[4..], expected);

        for retention in [
            Retention::default(),
            Retention {
                last: Some(0),
                ..Retention::default()
            },
        ] {
            let none = Backup {
                retention: Some(retention),
                ..plain.clone()
            };
            assert!(none.params().is_err());
        }
        let without_vmids = Backup {
            vmids: Vec::new(),
            ..plain
        };
        assert!(without_vmids.params().is_err());
    }

    #[test]
    fn restore_overwrites_only_with_flag() {
        let sent = |restore: &RestoreLxc| {
            let params = restore.params().unwrap();
            let pairs = params.pairs().iter();
            pairs
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        };
        let plain = RestoreLxc::new(vmid(300), "local:backup/a.tar.zst");
        let expected = ["vmid=300", "ostemplate=local:backup/a.tar.zst", "restore=1"];
        assert_eq!(sent(&plain), expected);
        let over = RestoreLxc {
            overwrite: true,
            ..plain
        };
        assert_eq!(sent(&over)[3..], ["force=1"]);
    }

    #[test]
    fn vzdump_may_start_no_task() {
        assert_eq!(task("OK").unwrap(), None);
        let upid = "UPID:pve1:00001619:0005993C:6B00BC40:vzdump:300:root@pam!g1:";
        assert_eq!(task(upid).unwrap().unwrap().kind(), "vzdump");
        assert!(task("x").is_err());
    }
}
