//! The firewall of the cluster and of its nodes. Containers' firewalls are in `lxc`.

use serde::Deserialize;
use serde_json::Value;

use crate::{Client, error::Error, http::Call, lenient};

#[derive(Deserialize)]
struct Options {
    #[serde(default)]
    enable: Option<Value>,
}

impl Client {
    /// Whether the cluster's firewall is on. Off by default.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege Sys.Audit on `/`.
    pub async fn is_cluster_firewall_on(&self) -> Result<bool, Error> {
        let options: Options = self
            .call(Call::get(&["cluster", "firewall", "options"]))
            .await?;
        Ok(options.is_on(false))
    }

    /// Whether a node's firewall is on, if the cluster's is. On by default.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] if the node is offline, [`Error::Forbidden`] without Sys.Audit on
    /// the node.
    pub async fn is_node_firewall_on(&self, node: &str) -> Result<bool, Error> {
        let options: Options = self
            .call(Call::get(&["nodes", node, "firewall", "options"]))
            .await?;
        Ok(options.is_on(true))
    }
}

impl Options {
    fn is_on(&self, default: bool) -> bool {
        self.enable
            .as_ref()
            .and_then(lenient::as_bool)
            .unwrap_or(default)
    }
}
