//! Backups of containers, and containers out of backups. They are listed and deleted like any other content of a storage
//! ([`Client::content`], [`Client::delete_content`]).

use crate::{
    Client, PoolId, Upid, Vmid,
    error::Error,
    http::Call,
    params::{Params, Part, property_string, unsendable},
};

/// How a container is kept still while it is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupMode {
    /// A snapshot of its disks is copied; it runs on. Storages without snapshots are copied as with
    /// `Suspend`.
    Snapshot,
    /// It is copied while it runs, then held for a moment and copied again.
    Suspend,
    /// It is shut down, copied and started again.
    Stop,
}

/// How a backup is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all. What a backup server stores is packed by that.
    None,
    /// Well and fast.
    Zstd,
    /// Well and slowly.
    Gzip,
    /// Not so well, and fast.
    Lzo,
}

/// Which backups of a guest are kept when a new one has been made. At least one number has to be
/// there, else none would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The last so many.
    pub last: Option<u32>,
    /// The last one of each of so many hours.
    pub hourly: Option<u32>,
    /// The last one of each of so many days.
    pub daily: Option<u32>,
    /// The last one of each of so many weeks.
    pub weekly: Option<u32>,
    /// The last one of each of so many months.
    pub monthly: Option<u32>,
    /// The last one of each of so many years.
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
        // All of them zero would mean to keep everything.
        if numbers.iter().all(|(_, number)| number == "0") {
            return Err(unsendable(
                "prune-backups",
                "it does not say how many to keep",
            ));
        }
        let parts: Vec<_> = numbers
            .iter()
            .map(|(key, number)| Part::Pair(key, number))
            .collect();
        property_string("prune-backups", &parts)
    }
}

/// A backup to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The guests.
    pub vmids: Vec<Vmid>,
    /// Where it goes.
    pub storage: String,
    /// How they are kept still.
    pub mode: BackupMode,
    /// How it is packed.
    pub compress: Compression,
    /// What is written beside it. `{{guestname}}`, `{{node}}`, `{{vmid}}` and `{{cluster}}` are
    /// replaced; line breaks are sent as Proxmox wants them.
    pub notes: Option<String>,
    /// Whether it must not be deleted, neither by hand nor by a retention.
    pub protected: bool,
    /// Which older ones are deleted then; without, none is.
    pub retention: Option<Retention>,
}

impl Backup {
    /// A backup of one guest, packed well, while it runs.
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
            return Err(unsendable("vmid", "there is none"));
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
            // One line, in which a backslash begins an escape.
            let notes = notes.replace('\\', "\\\\").replace('\n', "\\n");
            params.opt_line("notes-template", Some(&notes))?;
        }
        if self.protected {
            params.flag("protected", true);
        }
        // What the storage itself is set up to keep does not count unless it is asked for here.
        params.flag("remove", self.retention.is_some());
        if let Some(retention) = &self.retention {
            params.set("prune-backups", retention.property()?);
        }
        Ok(params)
    }
}

/// A container to be made out of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreLxc {
    /// Its number.
    pub vmid: Vmid,
    /// The backup, such as `local:backup/vzdump-lxc-300-2026_11_25-10_00_00.tar.zst`.
    pub archive: String,
    /// Where its disks go; without, where they were.
    pub storage: Option<String>,
    /// Whether its root is nobody on the node; without, as it was.
    pub unprivileged: Option<bool>,
    /// The pool to put it into.
    pub pool: Option<PoolId>,
    /// Whether it takes the place of a container of that number, whose disks are lost then. That
    /// one must not run.
    pub overwrite: bool,
    /// Whether it gets new MAC addresses, as it has to beside the container that was backed up.
    pub unique: bool,
}

impl RestoreLxc {
    /// A container as it was, in a place that is free.
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

/// Proxmox answers `OK`, and no task, when there is nothing to do on the node that was asked.
fn task(answer: &str) -> Result<Option<Upid>, Error> {
    if answer == "OK" {
        return Ok(None);
    }
    Ok(Some(answer.parse()?))
}

impl Client {
    /// Makes a backup of those of the guests that are on this node; there is no task when none is.
    /// That the storage or a guest does not exist is said only by the task.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege VM.Backup on a guest or Datastore.AllocateSpace on
    /// the storage, or with a retention Datastore.Allocate.
    pub async fn vzdump(&self, node: &str, backup: &Backup) -> Result<Option<Upid>, Error> {
        let call = Call::post(&["nodes", node, "vzdump"]).params(backup.params()?);
        let answer: String = self.call(call.slow()).await?;
        task(&answer).map_err(|_| Error::Protocol {
            address: self.address().to_owned(),
            cause: format!("{answer:?} is not the id of a task"),
        })
    }

    /// Makes a container out of a backup. That the backup cannot be read is said only by the task.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the number is taken and nothing is to be overwritten,
    /// [`Error::Running`] when what is to be overwritten runs.
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
    fn a_backup_deletes_nothing_unless_it_is_told_what_to_keep() {
        let plain = Backup::new(vmid(300), "local");
        let want = [
            "vmid=300",
            "storage=local",
            "mode=snapshot",
            "compress=zstd",
            "remove=0",
        ];
        assert_eq!(sent(&plain), want);
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
        let want = [
            "notes-template={{guestname}}: a\\\\b\\nc",
            "protected=1",
            "remove=1",
            "prune-backups=keep-last=3,keep-weekly=4",
        ];
        assert_eq!(sent(&kept)[4..], want);

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
        let nobody = Backup {
            vmids: Vec::new(),
            ..plain
        };
        assert!(nobody.params().is_err());
    }

    #[test]
    fn restoring_overwrites_nothing_unless_it_is_told_to() {
        let sent = |restore: &RestoreLxc| {
            let params = restore.params().unwrap();
            let pairs = params.pairs().iter();
            pairs
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        };
        let plain = RestoreLxc::new(vmid(300), "local:backup/a.tar.zst");
        let want = ["vmid=300", "ostemplate=local:backup/a.tar.zst", "restore=1"];
        assert_eq!(sent(&plain), want);
        let over = RestoreLxc {
            overwrite: true,
            ..plain
        };
        assert_eq!(sent(&over)[3..], ["force=1"]);
    }

    #[test]
    fn there_may_be_no_task() {
        assert_eq!(task("OK").unwrap(), None);
        let upid = "UPID:pve1:00001619:0005993C:6B00BC40:vzdump:300:root@pam!g1:";
        assert_eq!(task(upid).unwrap().unwrap().kind(), "vzdump");
        assert!(task("x").is_err());
    }
}
