//! The way into a console. Carrying what is typed and shown is not done here.
//!
//! What comes back is for `GET …/vncwebsocket?port=…&vncticket=…` on the same path, as the same
//! account, within some ten seconds. The first thing to send there is `USER:TICKET` and a line
//! break; `OK` comes back.

use serde::{Deserialize, Deserializer, de};

use crate::{Client, Secret, Upid, Vmid, error::Error, http::Call, lenient};

/// A console that waits for somebody to connect.
#[derive(Clone, Debug, Deserialize)]
pub struct TermProxy {
    /// The account that it is for.
    #[serde(deserialize_with = "lenient::text")]
    pub user: String,
    /// What lets one in: once, at this port, and for some seconds only.
    #[serde(deserialize_with = "secret")]
    pub ticket: Secret,
    /// The port on the node, 5900 to 5999.
    #[serde(deserialize_with = "port")]
    pub port: u16,
    /// The task that serves it.
    pub upid: Upid,
}

pub(crate) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let text = lenient::opt_text(deserializer)?;
    text.map(Secret::from)
        .ok_or_else(|| de::Error::custom("a secret was expected"))
}

/// A string, although Proxmox describes it as a number.
fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let number = lenient::u64(deserializer)?;
    u16::try_from(number).map_err(|_| de::Error::custom(format!("{number} is not a port")))
}

impl Client {
    /// Opens the console of a container. It is not shown anything while the container is stopped.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege VM.Console on the container.
    pub async fn lxc_console(&self, node: &str, vmid: Vmid) -> Result<TermProxy, Error> {
        let path = ["nodes", node, "lxc", &vmid.to_string(), "termproxy"];
        self.call(Call::post(&path)).await
    }

    /// Opens a shell on a node.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege Sys.Console on the node.
    pub async fn node_console(&self, node: &str) -> Result<TermProxy, Error> {
        self.call(Call::post(&["nodes", node, "termproxy"])).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_has_a_port_that_comes_as_a_string_and_a_ticket_that_is_not_printed() {
        let json = r#"{"user":"root@pam!g1","port":"5902","ticket":"PVEVNC:6B00C133::x","upid":"UPID:pve1:00003266:00078855:6B00C133:vncproxy:100:root@pam!g1:"}"#;
        let console: TermProxy = serde_json::from_str(json).unwrap();
        assert_eq!(console.port, 5902);
        assert_eq!(console.ticket.expose(), "PVEVNC:6B00C133::x");
        assert!(!format!("{console:?}").contains("PVEVNC"));
    }
}
