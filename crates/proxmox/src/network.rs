//! The networks of a node that containers can be put into. Reading only.

use serde::Deserialize;

use crate::{Client, error::Error, http::Call, lenient, params::Params};

/// A bridge on a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Bridge {
    /// Its name, such as `vmbr0`.
    #[serde(deserialize_with = "lenient::text")]
    pub iface: String,
    /// Whether it is up.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub active: bool,
    /// The node's own address there, with its prefix.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub cidr: Option<String>,
    /// What an administrator wrote beside it.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comments: Option<String>,
}

impl Client {
    /// The bridges of a node, virtual networks of the cluster included, that the token may use.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] when the node is away; else any that a call can have.
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
    fn a_bridge_without_address_is_one() {
        let rows = r#"[{"bridge_fd":"0","iface":"vmbr1","priority":5,"type":"bridge","autostart":1,"bridge_ports":""},{"iface":"vmbr0","active":1,"cidr":"10.99.0.1/24","comments":"LAN\n"}]"#;
        let rows: Vec<Bridge> = serde_json::from_str(rows).unwrap();
        assert!(!rows[0].active && rows[1].active);
        assert_eq!(rows[1].cidr.as_deref(), Some("10.99.0.1/24"));
    }
}
