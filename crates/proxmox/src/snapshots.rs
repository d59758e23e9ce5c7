//! Snapshots of containers. Not every storage supports them: check with [`Client::lxc_supports`]
//! first.

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    Client, LxcConfig, SnapshotName, Upid, Vmid, error::Error, http::Call, lenient, params::Params,
};

/// A snapshot of a container.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// The snapshot's name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// The description.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub description: Option<String>,
    /// The parent snapshot.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub parent: Option<String>,
    /// When the snapshot was created, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::opt_u64")]
    pub snaptime: Option<u64>,
}

fn path<'a>(node: &'a str, vmid: &'a str) -> [&'a str; 5] {
    ["nodes", node, "lxc", vmid, "snapshot"]
}

/// Removes the current state, which Proxmox lists under a reserved name.
fn without_present(mut rows: Vec<Snapshot>) -> Vec<Snapshot> {
    rows.retain(|row| row.name != "current");
    rows
}

impl Client {
    /// The snapshots of a container.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the container does not exist.
    pub async fn snapshots(&self, node: &str, vmid: Vmid) -> Result<Vec<Snapshot>, Error> {
        let rows = self.call(Call::get(&path(node, &vmid.to_string()))).await?;
        Ok(without_present(rows))
    }

    /// Creates a snapshot. Missing storage support or a used name is reported only by the task.
    ///
    /// # Errors
    /// [`Error::Locked`]; see [`Error`].
    pub async fn create_snapshot(
        &self,
        node: &str,
        vmid: Vmid,
        name: &SnapshotName,
        description: Option<&str>,
    ) -> Result<Upid, Error> {
        let mut params = Params::default().with("snapname", name);
        params.opt_text("description", description)?;
        let vmid = vmid.to_string();
        let call = Call::post(&path(node, &vmid)).params(params);
        self.call(call.slow()).await
    }

    /// Deletes a snapshot. A missing snapshot is reported only by the task. With `force`, the
    /// snapshot is removed from the configuration even if the storage fails to delete it.
    ///
    /// # Errors
    /// [`Error::Locked`]; see [`Error`].
    pub async fn delete_snapshot(
        &self,
        node: &str,
        vmid: Vmid,
        name: &SnapshotName,
        force: bool,
    ) -> Result<Upid, Error> {
        let path = [
            "nodes",
            node,
            "lxc",
            &vmid.to_string(),
            "snapshot",
            name.as_str(),
        ];
        let mut params = Params::default();
        params.flag("force", force);
        self.call(Call::delete(&path).params(params).slow()).await
    }

    /// Rolls a container back to a snapshot. A running container is stopped, and started again if
    /// `start` is set. A missing snapshot is reported only by the task.
    ///
    /// # Errors
    /// [`Error::Locked`]; see [`Error`].
    pub async fn rollback_snapshot(
        &self,
        node: &str,
        vmid: Vmid,
        name: &SnapshotName,
        start: bool,
    ) -> Result<Upid, Error> {
        let path = [
            "nodes",
            node,
            "lxc",
            &vmid.to_string(),
            "snapshot",
            name.as_str(),
            "rollback",
        ];
        let mut params = Params::default();
        params.flag("start", start);
        self.call(Call::post(&path).params(params).slow()).await
    }

    /// The configuration stored in a snapshot.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Refused`] if the snapshot does not exist.
    pub async fn snapshot_config(
        &self,
        node: &str,
        vmid: Vmid,
        name: &SnapshotName,
    ) -> Result<LxcConfig, Error> {
        self.call(Call::get(&config_path(node, &vmid.to_string(), name)))
            .await
    }

    /// Changes the description of a snapshot.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Refused`] if the snapshot does not exist.
    pub async fn set_snapshot_description(
        &self,
        node: &str,
        vmid: Vmid,
        name: &SnapshotName,
        description: &str,
    ) -> Result<(), Error> {
        let mut params = Params::default();
        params.opt_text("description", Some(description))?;
        let vmid = vmid.to_string();
        let call = Call::put(&config_path(node, &vmid, name)).params(params);
        self.call::<IgnoredAny>(call.slow()).await.map(drop)
    }
}

fn config_path<'a>(node: &'a str, vmid: &'a str, name: &'a SnapshotName) -> [&'a str; 7] {
    [
        "nodes",
        node,
        "lxc",
        vmid,
        "snapshot",
        name.as_str(),
        "config",
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_state_is_not_listed() {
        let rows = r#"[{"description":"You are here!","name":"current","digest":"x","running":0,"parent":"s1"},{"name":"s1","snaptime":"1795210960","description":"before\n","parent":""}]"#;
        let rows = without_present(serde_json::from_str(rows).unwrap());
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].snaptime, Some(1_795_210_960));
        assert_eq!(rows[0].parent, None);
    }
}
