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

/// How many connections over the limits an address may have from which an agent has authenticated
/// itself. They are closed unless an agent authenticates itself on them.
const AGENT_RESERVE: usize = 4;

/// How long the address of an agent is remembered.
const AGENT_MEMORY: Duration = Duration::from_secs(24 * 3600);

/// Limits the open connections, in total, per client and per network. Only the total applies to
/// trusted proxies. Connections of agents are counted apart, so that other clients in an edge
/// host's network cannot keep its agent from the manager.
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
    agents: HashMap<IpAddr, AgentAddress>,
    last_logged: Option<Instant>,
}

/// The connections of an address from which an agent has authenticated itself.
struct AgentAddress {
    /// Connections on which an agent has authenticated itself.
    authenticated: usize,
    /// Connections over the limits on which no agent has authenticated itself yet.
    reserved: usize,
    last_authenticated: Instant,
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
        let total = open.total();
        let client_connections = open.clients.get(&client).copied().unwrap_or_default();
        let is_over = || {
            client_connections >= limits.per_client
                || open.in_network(client) >= NETWORK_FACTOR * limits.per_client
        };
        let is_trusted = is_trusted(peer.to_canonical(), &limits.trusted);
        let kind = if total < limits.total && (is_trusted || !is_over()) {
            open.clients.insert(client, client_connections + 1);
            ConnectionKind::Client
        } else if open.reserve(client) {
            ConnectionKind::Reserved
        } else {
            let now = Instant::now();
            if open
                .last_logged
                .is_none_or(|at| now.duration_since(at) >= LOG_INTERVAL)
            {
                open.last_logged = Some(now);
                tracing::warn!(%peer, client_connections, total, reason = "limit reached", "connection refused");
            }
            return None;
        };
        drop(open);
        Some(ConnectionSlot {
            limits: Arc::clone(limits),
            client,
            kind: Mutex::new(kind),
        })
    }
}

impl OpenConnections {
    fn total(&self) -> usize {
        let agents = self.agents.values();
        let agents = agents.map(|agent| agent.authenticated + agent.reserved);
        self.clients.values().sum::<usize>() + agents.sum::<usize>()
    }

    /// Counts a connection of an agent's address that is over the limits. Returns whether it may be
    /// opened.
    fn reserve(&mut self, client: IpAddr) -> bool {
        let Some(agent) = self.agents.get_mut(&client) else {
            return false;
        };
        let is_allowed =
            agent.reserved < AGENT_RESERVE && agent.last_authenticated.elapsed() < AGENT_MEMORY;
        agent.reserved += usize::from(is_allowed);
        is_allowed
    }

    fn release(&mut self, client: IpAddr, kind: ConnectionKind) {
        match (kind, self.agents.get_mut(&client)) {
            (ConnectionKind::Client, _) => match self.clients.get_mut(&client) {
                Some(count) if *count > 1 => *count -= 1,
                _ => {
                    self.clients.remove(&client);
                }
            },
            (ConnectionKind::Reserved, Some(agent)) => agent.reserved -= 1,
            (ConnectionKind::Agent, Some(agent)) => agent.authenticated -= 1,
            (_, None) => {}
        }
    }

    /// Counts a connection on which an agent has authenticated itself. Forgets addresses of agents
    /// that have not connected for long.
    fn authenticate(&mut self, client: IpAddr) {
        self.agents.retain(|_, agent| {
            agent.authenticated + agent.reserved > 0
                || agent.last_authenticated.elapsed() < AGENT_MEMORY
        });
        let now = Instant::now();
        let agent = self.agents.entry(client).or_insert(AgentAddress {
            authenticated: 0,
            reserved: 0,
            last_authenticated: now,
        });
        agent.authenticated += 1;
        agent.last_authenticated = now;
    }

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

/// How a connection is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionKind {
    Client,
    Reserved,
    Agent,
}

/// The place of one open connection within the limits.
pub(crate) struct ConnectionSlot {
    limits: Arc<Limits>,
    client: IpAddr,
    kind: Mutex<ConnectionKind>,
}

impl ConnectionSlot {
    /// Counts the connection as one of an agent, which has presented its key.
    pub(crate) fn mark_agent(&self) {
        let mut kind = self.kind.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = self.limits.open();
        let agent = open.agents.get_mut(&self.client);
        let authenticated = agent.map_or(0, |agent| {
            agent.last_authenticated = Instant::now();
            agent.authenticated
        });
        if *kind != ConnectionKind::Agent && authenticated < self.limits.per_client {
            open.release(self.client, *kind);
            open.authenticate(self.client);
            *kind = ConnectionKind::Agent;
        }
    }

    /// Whether the connection is over the limits and no agent has authenticated itself on it.
    pub(super) fn is_reserved(&self) -> bool {
        let kind = self.kind.lock().unwrap_or_else(PoisonError::into_inner);
        *kind == ConnectionKind::Reserved
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let kind = self.kind.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.limits.open().release(self.client, *kind);
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

    #[test]
    fn agent_reaches_the_manager_from_a_network_without_free_connections() {
        let connections = Connections::new(9, 2, Vec::new());
        let acquire = |peer: &str| connections.acquire(peer.parse().unwrap());
        let first = acquire("192.0.2.1").unwrap();
        first.mark_agent();
        let _others: Vec<_> = (2..6)
            .filter_map(|last| acquire(&format!("192.0.2.{last}")))
            .collect();
        assert!(acquire("192.0.2.9").is_none(), "the network is full");
        let again = acquire("192.0.2.1").unwrap();
        assert!(again.is_reserved());
        again.mark_agent();
        assert!(!again.is_reserved());
        // A container that uses the address of the agent gets only the reserve.
        let reserved: Vec<_> = (0..9).filter_map(|_| acquire("192.0.2.1")).collect();
        assert_eq!(reserved.len(), AGENT_RESERVE);
        drop((first, again, reserved));
        assert!(acquire("192.0.2.1").is_some());
    }
}
