//! Limits of the number of connections: in total, per client and per network.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ipnet::IpNet;

use crate::client_addr::is_trusted;

/// Minimum interval of log lines about a reached limit, because anyone can cause them.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// How many times the connections of a client its network may have.
const NETWORK_FACTOR: usize = 2;

/// Limits the open connections, in total, per client and per network. Only the total applies to
/// trusted proxies.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Limits>);

struct Limits {
    total: usize,
    per_client: usize,
    trusted: Vec<IpNet>,
    open: Mutex<OpenConnections>,
}

/// The open connections per client.
#[derive(Default)]
struct OpenConnections {
    clients: HashMap<IpAddr, usize>,
    last_logged: Option<Instant>,
}

impl Connections {
    pub(crate) fn new(total: usize, per_client: usize, trusted: Vec<IpNet>) -> Self {
        Self(Arc::new(Limits {
            total,
            per_client,
            trusted,
            open: Mutex::default(),
        }))
    }

    /// Acquires a slot for one connection; dropping the slot releases it.
    pub(super) fn acquire(&self, peer: IpAddr) -> Option<ConnectionSlot> {
        let (client, limits) = (client_key(peer.to_canonical()), &self.0);
        let mut open = limits.open();
        let total: usize = open.clients.values().sum();
        let client_connections = open.clients.get(&client).copied().unwrap_or_default();
        let is_over = || {
            client_connections >= limits.per_client
                || open.in_network(client) >= NETWORK_FACTOR * limits.per_client
        };
        let is_trusted = is_trusted(peer.to_canonical(), &limits.trusted);
        if total >= limits.total || (!is_trusted && is_over()) {
            let now = Instant::now();
            if open
                .last_logged
                .is_none_or(|at| now.duration_since(at) >= LOG_INTERVAL)
            {
                open.last_logged = Some(now);
                tracing::warn!(%peer, client_connections, total, reason = "limit reached", "connection refused");
            }
            return None;
        }
        open.clients.insert(client, client_connections + 1);
        let limits = Arc::clone(limits);
        Some(ConnectionSlot { limits, client })
    }
}

impl OpenConnections {
    /// The connections of the clients in the network of `client`.
    fn in_network(&self, client: IpAddr) -> usize {
        let network = network_key(client);
        let clients = self.clients.iter();
        clients
            .filter(|(client, _)| network_key(**client) == network)
            .map(|(_, count)| count)
            .sum()
    }
}

impl Limits {
    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Groups addresses that a single client controls: an IPv6 /64 network, and all loopback addresses.
fn client_key(address: IpAddr) -> IpAddr {
    match address {
        address if address.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// The network of a client: a /24, or a /48 of IPv6, which one customer often has (RFC 6177).
fn network_key(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() >> 8 << 8).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 80 << 80).into(),
    }
}

/// The place of one open connection within the limits.
pub(super) struct ConnectionSlot {
    limits: Arc<Limits>,
    client: IpAddr,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut open = self.limits.open();
        match open.clients.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_limited_in_total_and_per_client() {
        let connections = Connections::new(3, 2, Vec::new());
        let acquire = |peer: &str| connections.acquire(peer.parse().unwrap());
        let first = acquire("192.0.2.1").unwrap();
        let _second = acquire("::ffff:192.0.2.1").unwrap();
        assert!(
            acquire("192.0.2.1").is_none(),
            "the client has two connections"
        );
        let third = acquire("192.0.2.2").unwrap();
        assert!(acquire("192.0.2.3").is_none(), "three connections are open");
        drop((first, third));
        let _first = acquire("192.0.2.1").unwrap();
        assert!(acquire("192.0.2.1").is_none());
        assert!(acquire("192.0.2.2").is_some());
    }

    #[test]
    fn addresses_of_one_client_share_a_limit() {
        for [first, second] in [
            ["2001:db8::1", "2001:db8::2:3:4:5"],
            ["127.0.0.1", "127.0.0.9"],
            ["127.0.0.1", "::1"],
        ] {
            let connections = Connections::new(9, 1, Vec::new());
            let _slot = connections.acquire(first.parse().unwrap()).unwrap();
            assert!(connections.acquire(second.parse().unwrap()).is_none());
            assert!(
                connections
                    .acquire("2001:db8:1::1".parse().unwrap())
                    .is_some()
            );
        }
    }

    #[test]
    fn clients_of_one_network_share_a_limit() {
        for [first, second, third, other] in [
            ["192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.1"],
            [
                "2001:db8::1",
                "2001:db8:0:1::1",
                "2001:db8:0:2::1",
                "2001:db8:1::1",
            ],
        ] {
            let connections = Connections::new(9, 1, Vec::new());
            let acquire = |peer: &str| connections.acquire(peer.parse().unwrap());
            let _slots = [acquire(first).unwrap(), acquire(second).unwrap()];
            assert!(acquire(third).is_none(), "{third}");
            assert!(acquire(other).is_some(), "{other}");
        }
    }

    #[test]
    fn trusted_proxy_has_only_the_total_limit() {
        let connections = Connections::new(3, 1, vec!["10.0.0.0/8".parse().unwrap()]);
        let acquire = |_| connections.acquire("10.0.0.1".parse().unwrap());
        let slots: Vec<_> = (0..5).filter_map(acquire).collect();
        assert_eq!(slots.len(), 3);
    }
}
