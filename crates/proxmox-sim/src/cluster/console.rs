//! Ports of consoles that wait for a connection. No HTTP here.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

/// The port range of consoles.
const PORTS: std::ops::RangeInclusive<u16> = 5900..=5999;

/// The ports in use, each with a token that is canceled when a client connects.
#[derive(Debug, Default)]
pub(crate) struct Consoles(BTreeMap<u16, CancellationToken>);

impl Consoles {
    /// Allocates a port, or `None` if all are in use.
    pub(crate) fn open(&mut self) -> Option<(u16, CancellationToken)> {
        let port = PORTS.into_iter().find(|port| !self.0.contains_key(port))?;
        let connected = CancellationToken::new();
        self.0.insert(port, connected.clone());
        Some((port, connected))
    }

    /// Connects to a port. Returns whether it was waiting for a connection.
    pub(crate) fn connect(&mut self, port: u16) -> bool {
        let waiting = self.0.get(&port).filter(|waiting| !waiting.is_cancelled());
        waiting.map(CancellationToken::cancel).is_some()
    }

    /// Releases a port.
    pub(crate) fn close(&mut self, port: u16) {
        self.0.remove(&port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_reused_only_after_close() {
        let mut consoles = Consoles::default();
        assert_eq!(consoles.open().map(|(port, _)| port), Some(5900));
        assert_eq!(consoles.open().map(|(port, _)| port), Some(5901));
        consoles.close(5900);
        assert_eq!(consoles.open().map(|(port, _)| port), Some(5900));
    }
}
