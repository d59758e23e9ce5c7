//! Consoles that wait for somebody to connect: which ports they hold. No HTTP here.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

/// The first and last port that consoles get.
const PORTS: std::ops::RangeInclusive<u16> = 5900..=5999;

/// The ports in use, each with what is told when somebody connects.
#[derive(Debug, Default)]
pub(crate) struct Consoles(BTreeMap<u16, CancellationToken>);

impl Consoles {
    /// Takes a port, if one is free.
    pub(crate) fn open(&mut self) -> Option<(u16, CancellationToken)> {
        let port = PORTS.into_iter().find(|port| !self.0.contains_key(port))?;
        let connected = CancellationToken::new();
        self.0.insert(port, connected.clone());
        Some((port, connected))
    }

    /// Connects to a port. Says whether it waited.
    pub(crate) fn connect(&mut self, port: u16) -> bool {
        let waiting = self.0.get(&port).filter(|waiting| !waiting.is_cancelled());
        waiting.map(CancellationToken::cancel).is_some()
    }

    /// Gives a port back.
    pub(crate) fn close(&mut self, port: u16) {
        self.0.remove(&port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_held_until_it_is_given_back() {
        let mut consoles = Consoles::default();
        assert_eq!(consoles.open().map(|(port, _)| port), Some(5900));
        assert_eq!(consoles.open().map(|(port, _)| port), Some(5901));
        consoles.close(5900);
        assert_eq!(consoles.open().map(|(port, _)| port), Some(5900));
    }
}
