//! API calls for containers. Parameters are in `options`, responses in `config` and `state`,
//! cloning and migration in `clone_migrate`, the firewall in `firewall`.

mod clone_migrate;
mod config;
mod firewall;
mod options;
mod state;

use std::time::Duration;

pub use clone_migrate::{CloneDisks, CloneLxc, LxcFeature, MigrateLxc, MigratePreconditions};
pub use config::{LxcConfig, PendingValue, Volume};
pub use firewall::{FirewallOptions, FirewallRule, IpSet, IpSetEntry, ListedRule};
pub use options::{
    ConfigChange, ConsoleMode, CreateLxc, DeleteLxc, Disk, Features, LxcOptions, Resize, Rootfs,
    Shutdown,
};
pub use state::{Interface, InterfaceAddress, LxcStatus};

use serde::de::IgnoredAny;

use crate::{Client, Upid, Vmid, error::Error, http::Call, params::Params};

impl Client {
    /// The current status of the containers of a node that the user may see.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] if the node is offline; see [`Error`].
    pub async fn lxc_list(&self, node: &str) -> Result<Vec<LxcStatus>, Error> {
        self.call(Call::get(&["nodes", node, "lxc"])).await
    }

    /// Creates a container. An image's own entrypoint and environment override the ones given here.
    /// A missing template or a full storage is reported only by the task.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the VMID is used, [`Error::NotFound`] if the storage does not
    /// exist, [`Error::Forbidden`] if a privilege is missing.
    pub async fn create_lxc(&self, node: &str, create: &CreateLxc) -> Result<Upid, Error> {
        self.call(
            Call::post(&["nodes", node, "lxc"])
                .params(create.params()?)
                .slow(),
        )
        .await
    }

    /// The configuration of a container, including changes that are pending until the next start.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the container does not exist.
    pub async fn lxc_config(&self, node: &str, vmid: Vmid) -> Result<LxcConfig, Error> {
        self.call(Call::get(&[
            "nodes",
            node,
            "lxc",
            &vmid.to_string(),
            "config",
        ]))
        .await
    }

    /// Changes the configuration. In a running container, some changes are pending until the next
    /// start: see [`Client::lxc_pending`].
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] if the digest is outdated, [`Error::Locked`], and
    /// [`Error::Invalid`]; the latter also reports changes that a running container does not
    /// support, after the other changes have been applied.
    pub async fn set_lxc_config(
        &self,
        node: &str,
        vmid: Vmid,
        change: &ConfigChange,
    ) -> Result<(), Error> {
        let path = ["nodes", node, "lxc", &vmid.to_string(), "config"];
        let call = Call::put(&path).params(change.params()?).slow();
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// The configuration with current and pending values.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the container does not exist.
    pub async fn lxc_pending(&self, node: &str, vmid: Vmid) -> Result<Vec<PendingValue>, Error> {
        self.call(Call::get(&[
            "nodes",
            node,
            "lxc",
            &vmid.to_string(),
            "pending",
        ]))
        .await
    }

    /// The current status of a container.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the container does not exist.
    pub async fn lxc_status(&self, node: &str, vmid: Vmid) -> Result<LxcStatus, Error> {
        self.call(Call::get(&[
            "nodes",
            node,
            "lxc",
            &vmid.to_string(),
            "status",
            "current",
        ]))
        .await
    }

    /// The network interfaces inside a container and their addresses. Empty if the container is
    /// stopped or does not exist.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn lxc_interfaces(&self, node: &str, vmid: Vmid) -> Result<Vec<Interface>, Error> {
        let path = ["nodes", node, "lxc", &vmid.to_string(), "interfaces"];
        Ok(self
            .call::<Option<Vec<Interface>>>(Call::get(&path))
            .await?
            .unwrap_or_default())
    }

    /// Starts a container. A missing or locked container is reported only by the task.
    ///
    /// # Errors
    /// [`Error::Running`] if the container is running.
    pub async fn start_lxc(&self, node: &str, vmid: Vmid) -> Result<Upid, Error> {
        self.power(node, vmid, "start", Params::default()).await
    }

    /// Stops a container immediately, without a shutdown.
    ///
    /// # Errors
    /// [`Error::NotRunning`] if the container is not running.
    pub async fn stop_lxc(&self, node: &str, vmid: Vmid) -> Result<Upid, Error> {
        self.power(node, vmid, "stop", Params::default()).await
    }

    /// Shuts a container down.
    ///
    /// # Errors
    /// [`Error::NotRunning`] if the container is not running.
    pub async fn shutdown_lxc(
        &self,
        node: &str,
        vmid: Vmid,
        shutdown: Shutdown,
    ) -> Result<Upid, Error> {
        self.power(node, vmid, "shutdown", shutdown.params()).await
    }

    /// Shuts a container down within a timeout and starts it again. Applies pending changes.
    ///
    /// # Errors
    /// [`Error::NotRunning`] if the container is not running.
    pub async fn reboot_lxc(
        &self,
        node: &str,
        vmid: Vmid,
        timeout: Duration,
    ) -> Result<Upid, Error> {
        let params = Params::default().with("timeout", timeout.as_secs());
        self.power(node, vmid, "reboot", params).await
    }

    async fn power(
        &self,
        node: &str,
        vmid: Vmid,
        action: &str,
        params: Params,
    ) -> Result<Upid, Error> {
        let path = ["nodes", node, "lxc", &vmid.to_string(), "status", action];
        self.call(Call::post(&path).params(params)).await
    }

    /// Grows a disk. Disks cannot shrink.
    ///
    /// # Errors
    /// [`Error::Refused`] if the size is below the present one, [`Error::Locked`].
    pub async fn resize_lxc(
        &self,
        node: &str,
        vmid: Vmid,
        disk: Disk,
        size: Resize,
    ) -> Result<Upid, Error> {
        let params = Params::default().with("disk", disk).with("size", size);
        let path = ["nodes", node, "lxc", &vmid.to_string(), "resize"];
        self.call(Call::put(&path).params(params).slow()).await
    }

    /// Deletes a container and its disks.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Locked`], and [`Error::Running`] if the container is running
    /// and `force` is off.
    pub async fn delete_lxc(
        &self,
        node: &str,
        vmid: Vmid,
        delete: DeleteLxc,
    ) -> Result<Upid, Error> {
        let path = ["nodes", node, "lxc", &vmid.to_string()];
        self.call(Call::delete(&path).params(delete.params()).slow())
            .await
    }
}
