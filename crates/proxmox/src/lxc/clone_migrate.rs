//! Clones a container, and migrates it to another node.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    Client, PoolId, SnapshotName, Upid, Vmid,
    error::Error,
    http::Call,
    lenient,
    params::{Params, unsendable},
};

/// A clone of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloneLxc {
    /// The VMID of the clone.
    pub newid: Vmid,
    /// The hostname; `None` means that of the original.
    pub hostname: Option<String>,
    /// The notes.
    pub description: Option<String>,
    /// The pool to add the clone to.
    pub pool: Option<PoolId>,
    /// The snapshot to clone. A running container can be cloned only from a snapshot.
    pub snapname: Option<SnapshotName>,
    /// How to clone the disks.
    pub disks: CloneDisks,
    /// The node; `None` means that of the original. Another node requires shared storage.
    pub target: Option<String>,
}

/// How the disks of a clone are created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloneDisks {
    /// Proxmox's default: full for a container, linked for a template.
    Default,
    /// Full clones, on this storage or that of the originals.
    Full {
        /// The storage.
        storage: Option<String>,
    },
    /// Linked clones of a template, which must be kept; requires support by the storage.
    Linked,
}

impl CloneLxc {
    /// A clone with Proxmox's defaults.
    pub fn new(newid: Vmid) -> Self {
        Self {
            newid,
            hostname: None,
            description: None,
            pool: None,
            snapname: None,
            disks: CloneDisks::Default,
            target: None,
        }
    }

    fn params(&self) -> Result<Params, Error> {
        let mut params = Params::default().with("newid", self.newid);
        params.opt_line("hostname", self.hostname.as_deref())?;
        params.opt_text("description", self.description.as_deref())?;
        params.opt("pool", self.pool.as_ref());
        params.opt("snapname", self.snapname.as_ref());
        match &self.disks {
            CloneDisks::Default => {}
            CloneDisks::Linked => params.flag("full", false),
            CloneDisks::Full { storage } => {
                params.flag("full", true);
                params.opt_line("storage", storage.as_deref())?;
            }
        }
        params.opt_line("target", self.target.as_deref())?;
        Ok(params)
    }
}

/// A migration of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrateLxc {
    /// The target node.
    pub target: String,
    /// The storage for the disks; `None` means the storages of the same name.
    pub target_storage: Option<String>,
    /// The shutdown timeout of a restart migration: the container is shut down, migrated and
    /// started again. Required for running containers.
    pub restart: Option<Duration>,
}

impl MigrateLxc {
    fn params(&self) -> Result<Params, Error> {
        if self.target.is_empty() {
            return Err(unsendable("target", "the value is empty"));
        }
        let mut params = Params::default();
        params.opt_line("target", Some(&self.target))?;
        params.opt_line("target-storage", self.target_storage.as_deref())?;
        if let Some(timeout) = self.restart {
            params.flag("restart", true);
            params.set("timeout", timeout.as_secs());
        }
        Ok(params)
    }
}

/// The preconditions of a migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct MigratePreconditions {
    /// Whether the container is running.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub running: bool,
    /// The possible target nodes.
    #[serde(default, rename = "allowed-nodes", deserialize_with = "lenient::list")]
    pub allowed_nodes: Vec<String>,
}

/// A feature that a container's storages may support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LxcFeature {
    /// Snapshots.
    Snapshot,
    /// Linked clones.
    Clone,
    /// Full clones.
    Copy,
}

#[derive(Deserialize)]
struct FeatureResponse {
    #[serde(rename = "hasFeature", default, deserialize_with = "lenient::flag")]
    has: bool,
}

impl Client {
    /// Clones a container.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the VMID is used, [`Error::NotFound`] if the container does not
    /// exist, [`Error::Locked`]; [`Error::Refused`] if the container is running and no snapshot is
    /// given.
    pub async fn clone_lxc(&self, node: &str, vmid: Vmid, clone: &CloneLxc) -> Result<Upid, Error> {
        let path = ["nodes", node, "lxc", &vmid.to_string(), "clone"];
        self.call(Call::post(&path).params(clone.params()?).slow())
            .await
    }

    /// Migrates a container to another node.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the container is on that node already, [`Error::NotFound`] if the
    /// container does not exist.
    pub async fn migrate_lxc(
        &self,
        node: &str,
        vmid: Vmid,
        migrate: &MigrateLxc,
    ) -> Result<Upid, Error> {
        let path = ["nodes", node, "lxc", &vmid.to_string(), "migrate"];
        self.call(Call::post(&path).params(migrate.params()?).slow())
            .await
    }

    /// The preconditions of a migration.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the container does not exist.
    pub async fn migrate_preconditions(
        &self,
        node: &str,
        vmid: Vmid,
    ) -> Result<MigratePreconditions, Error> {
        let path = ["nodes", node, "lxc", &vmid.to_string(), "migrate"];
        self.call(Call::get(&path)).await
    }

    /// Whether the storages of a container support a feature. Checking first avoids a failed task.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the container does not exist.
    pub async fn lxc_supports(
        &self,
        node: &str,
        vmid: Vmid,
        feature: LxcFeature,
    ) -> Result<bool, Error> {
        let word = match feature {
            LxcFeature::Snapshot => "snapshot",
            LxcFeature::Clone => "clone",
            LxcFeature::Copy => "copy",
        };
        let path = ["nodes", node, "lxc", &vmid.to_string(), "feature"];
        let call = Call::get(&path).params(Params::default().with("feature", word));
        Ok(self.call::<FeatureResponse>(call).await?.has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(params: &Params) -> Vec<String> {
        let pairs = params.pairs().iter();
        pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn storage_is_sent_only_for_full_clone() {
        let plain = CloneLxc::new(Vmid::try_from(310).unwrap());
        assert_eq!(sent(&plain.params().unwrap()), ["newid=310"]);
        let storage = Some("tank".to_owned());
        let full = CloneLxc {
            hostname: Some("copy".to_owned()),
            snapname: Some("s1".parse().unwrap()),
            disks: CloneDisks::Full { storage },
            ..plain.clone()
        };
        let expected = [
            "newid=310",
            "hostname=copy",
            "snapname=s1",
            "full=1",
            "storage=tank",
        ];
        assert_eq!(sent(&full.params().unwrap()), expected);
        let linked = CloneLxc {
            disks: CloneDisks::Linked,
            ..plain
        };
        assert_eq!(sent(&linked.params().unwrap()), ["newid=310", "full=0"]);
    }

    #[test]
    fn running_container_migrates_with_restart() {
        let mut migrate = MigrateLxc {
            target: "pve2".to_owned(),
            target_storage: None,
            restart: None,
        };
        assert_eq!(sent(&migrate.params().unwrap()), ["target=pve2"]);
        migrate.restart = Some(Duration::from_secs(60));
        let expected = ["target=pve2", "restart=1", "timeout=60"];
        assert_eq!(sent(&migrate.params().unwrap()), expected);
        migrate.target.clear();
        assert!(migrate.params().is_err());
    }

    #[test]
    fn feature_response_parses_zero_and_one() {
        let has = |json| serde_json::from_str::<FeatureResponse>(json).unwrap().has;
        assert!(has(r#"{"hasFeature":1}"#) && !has(r#"{"hasFeature":0}"#) && !has("{}"));
        let json = r#"{"running":1,"allowed-nodes":["pve2"],"not-allowed-nodes":{}}"#;
        let choices: MigratePreconditions = serde_json::from_str(json).unwrap();
        assert!(choices.running && choices.allowed_nodes == ["pve2"]);
    }
}
