//! Opens consoles of containers. Does not transfer terminal data.
//!
//! The returned port and ticket are for `GET …/vncwebsocket?port=…&vncticket=…` on the same path,
//! as the same user, within about ten seconds. The first message there is `USER:TICKET` and a line
//! break; the response is `OK`.

use serde::{Deserialize, Deserializer, de};

use crate::{Client, Secret, Upid, Vmid, error::Error, http::Call, lenient};

/// A console that waits for a connection.
#[derive(Clone, Debug, Deserialize)]
pub struct TermProxy {
    /// The user that the ticket is for.
    #[serde(deserialize_with = "lenient::text")]
    pub user: String,
    /// The ticket: valid once, for this port, for a few seconds.
    #[serde(deserialize_with = "secret")]
    pub ticket: Secret,
    /// The port on the node, 5900 to 5999.
    #[serde(deserialize_with = "port")]
    pub port: u16,
    /// The task that serves the console.
    pub upid: Upid,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let text = lenient::opt_text(deserializer)?;
    text.map(Secret::from)
        .ok_or_else(|| de::Error::custom("a secret was expected"))
}

/// A string, although Proxmox documents it as a number.
fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let number = lenient::u64(deserializer)?;
    u16::try_from(number).map_err(|_| de::Error::custom(format!("{number} is not a port number")))
}

impl Client {
    /// Opens the console of a container. A stopped container shows no output.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the privilege VM.Console on the container.
    pub async fn lxc_console(&self, node: &str, vmid: Vmid) -> Result<TermProxy, Error> {
        let path = ["nodes", node, "lxc", &vmid.to_string(), "termproxy"];
        self.call(Call::post(&path)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn console_parses_string_port_and_hides_ticket() {
        let json = r#"{"user":"root@pam!g1","port":"5902","ticket":"PVEVNC:6B00C133::x","upid":"UPID:pve1:00003266:00078855:6B00C133:vncproxy:100:root@pam!g1:"}"#;
        let console: TermProxy = serde_json::from_str(json).unwrap();
        assert_eq!(console.port, 5902);
        assert_eq!(console.ticket.expose(), "PVEVNC:6B00C133::x");
        assert!(!format!("{console:?}").contains("PVEVNC"));
    }
}
