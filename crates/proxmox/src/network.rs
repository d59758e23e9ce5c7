//! The network interfaces and bridges of a node. Read-only.

use serde::Deserialize;

use crate::{Client, error::Error, http::Call, lenient, params::Params};

/// A bridge on a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Bridge {
    /// The bridge's name, such as `vmbr0`.
    #[serde(deserialize_with = "lenient::text")]
    pub iface: String,
    /// Whether it is up.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub active: bool,
    /// The node's address on the bridge, with prefix length.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub cidr: Option<String>,
    /// The comment.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comments: Option<String>,
}

/// A network interface of a node, of any type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NodeInterface {
    /// The interface's name, such as `eno1` or `vmbr0`.
    #[serde(deserialize_with = "lenient::text")]
    pub iface: String,
    /// The type: `bridge`, `eth`, `bond`, `vlan` and so on.
    #[serde(default, rename = "type", deserialize_with = "lenient::opt_text")]
    pub kind: Option<String>,
    /// Whether it is up.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub active: bool,
    /// Whether the interface comes up when the node boots.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub autostart: bool,
    /// The node's IPv4 address on the interface, with prefix length.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub cidr: Option<String>,
    /// The node's IPv6 address on the interface, with prefix length.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub cidr6: Option<String>,
    /// The node's default gateway for IPv4.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub gateway: Option<String>,
    /// The ports of a bridge.
    #[serde(default, deserialize_with = "lenient::list")]
    pub bridge_ports: Vec<String>,
    /// Whether a bridge is VLAN-aware.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub bridge_vlan_aware: bool,
    /// The comment.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comments: Option<String>,
}

impl Client {
    /// All network interfaces of a node, including unapplied changes.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] if the node is offline; see [`Error`].
    pub async fn networks(&self, node: &str) -> Result<Vec<NodeInterface>, Error> {
        self.call(Call::get(&["nodes", node, "network"])).await
    }

    /// The bridges of a node that the user may use, including SDN networks.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] if the node is offline; see [`Error`].
    pub async fn bridges(&self, node: &str) -> Result<Vec<Bridge>, Error> {
        let params = Params::default().with("type", "any_bridge");
        self.call(Call::get(&["nodes", node, "network"]).params(params))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_may_have_only_a_name() {
        let rows = r#"[{"type":"bridge","autostart":1,"active":"1","bridge_ports":"eno1 eno2","iface":"vmbr0","cidr":"10.99.0.1/24","families":["inet"],"bridge_vlan_aware":1},{"iface":"eno1"}]"#;
        let rows: Vec<NodeInterface> = serde_json::from_str(rows).unwrap();
        assert_eq!(rows[0].bridge_ports, ["eno1", "eno2"]);
        assert!(rows[0].active && rows[0].autostart && rows[0].bridge_vlan_aware);
        assert_eq!((rows[1].kind.as_deref(), rows[1].active), (None, false));
    }

    #[test]
    fn bridge_without_address_parses() {
        let rows = r#"[{"bridge_fd":"0","iface":"vmbr1","priority":5,"type":"bridge","autostart":1,"bridge_ports":""},{"iface":"vmbr0","active":1,"cidr":"10.99.0.1/24","comments":"LAN\n"}]"#;
        let rows: Vec<Bridge> = serde_json::from_str(rows).unwrap();
        assert!(!rows[0].active && rows[1].active);
        assert_eq!(rows[1].cidr.as_deref(), Some("10.99.0.1/24"));
    }
}
