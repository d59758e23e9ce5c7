//! Containers: the calls. What is sent is in `options`, what comes back in `config` and `state`;
//! copies and moves are in `copies`.

mod config;
mod copies;
mod options;
mod state;

use std::time::Duration;

pub use config::{LxcConfig, PendingValue, Volume};
pub use copies::{CloneDisks, CloneLxc, LxcFeature, MigrateChoices, MigrateLxc};
pub use options::{
    ConfigChange, ConsoleMode, CreateLxc, DeleteLxc, Disk, Features, LxcOptions, Resize, Rootfs,
    Shutdown,
};
pub use state::{Interface, InterfaceAddress, LxcStatus};

use serde::de::IgnoredAny;

use crate::{Client, Upid, Vmid, error::Error, http::Call, params::Params};

impl Client {
    /// The containers of a node that the token may see, as they are now.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] when the node is away; else any that a call can have.
    pub async fn lxc_list(&self, node: &str) -> Result<Vec<LxcStatus>, Error> {
        self.call(Call::get(&["nodes", node, "lxc"])).await
    }

    /// Creates a container. An image's own entrypoint and environment replace the ones given here.
    /// That the template is missing, or the storage full, is said only by the task.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the number is taken, [`Error::NotFound`] without such a
    /// storage, [`Error::Forbidden`] when the token lacks a privilege.
    pub async fn create_lxc(&self, node: &str, create: &CreateLxc) -> Result<Upid, Error> {
        self.call(
            Call::post(&["nodes", node, "lxc"])
                .params(create.params()?)
                .slow(),
        )
        .await
    }

    /// The configuration of a container, with what is pending until it starts anew.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a container.
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

    /// Changes the configuration. In a container that runs, some of it waits for the next start:
    /// see [`Client::lxc_pending`].
    ///
    /// # Errors
    /// [`Error::Changed`] when the digest is not the one of now, [`Error::Locked`], and
    /// [`Error::Invalid`]; the latter also says what could not be changed in a container that runs,
    /// when the rest of the change has been made.
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

    /// The configuration, each value beside what it will be after the next start.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a container.
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

    /// A container as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a container.
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

    /// The network interfaces within a container and their addresses. Empty when it does not run,
    /// and when it does not exist.
    ///
    /// # Errors
    /// Any that a call can have; see [`Error`].
    pub async fn lxc_interfaces(&self, node: &str, vmid: Vmid) -> Result<Vec<Interface>, Error> {
        let path = ["nodes", node, "lxc", &vmid.to_string(), "interfaces"];
        Ok(self
            .call::<Option<Vec<Interface>>>(Call::get(&path))
            .await?
            .unwrap_or_default())
    }

    /// Starts a container. That it is missing or locked is said only by the task.
    ///
    /// # Errors
    /// [`Error::Running`] when it runs already.
    pub async fn start_lxc(&self, node: &str, vmid: Vmid) -> Result<Upid, Error> {
        self.power(node, vmid, "start", Params::default()).await
    }

    /// Stops a container at once, as if its power were cut.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when it does not run.
    pub async fn stop_lxc(&self, node: &str, vmid: Vmid) -> Result<Upid, Error> {
        self.power(node, vmid, "stop", Params::default()).await
    }

    /// Asks a container to end its work.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when it does not run.
    pub async fn shutdown_lxc(
        &self,
        node: &str,
        vmid: Vmid,
        shutdown: Shutdown,
    ) -> Result<Upid, Error> {
        self.power(node, vmid, "shutdown", shutdown.params()).await
    }

    /// Asks a container to end its work within a time, and starts it again. What was pending holds
    /// then.
    ///
    /// # Errors
    /// [`Error::NotRunning`] when it does not run.
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

    /// Makes a disk larger. Disks never shrink.
    ///
    /// # Errors
    /// [`Error::Refused`] when the size is below that of now, [`Error::Locked`].
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
    /// [`Error::NotFound`], [`Error::Locked`], and [`Error::Running`] when it runs and is not to be
    /// stopped by force.
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
