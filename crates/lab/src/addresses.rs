//! Addresses, networks and domains of the lab. The public network uses a documentation range (RFC
//! 5737).

/// The public network: the manager, the name servers, the CAs and the edge host's default gateway.
pub const OUTSIDE: &str = "outside";
/// The site's network, named like the bridge of the simulated nodes.
pub const SITE: &str = "vmbr0";

/// The lab's own address in the public network. The manager and the recursive name server listen on
/// it.
pub const LAB: &str = "192.0.2.1";
/// The edge host's address in the public network. All names under [`PUBLIC`] resolve to it.
pub const EDGE_OUTSIDE: &str = "192.0.2.2";
/// The address of the authoritative server of [`ZONE`] in the public network, also assigned to the
/// lab.
pub const NAME_SERVER: &str = "192.0.2.53";
/// The zone that accepts dynamic updates (RFC 2136).
pub const ZONE: &str = "dns.example.org";
/// The edge host's address in the site's network, whose default gateway it is.
pub const EDGE: &str = "10.20.0.1";
/// The site's network.
pub const NETWORK: &str = "10.20.0.0/16";
/// The prefix length of the site's network.
pub const PREFIX: &str = "16";
/// The domain whose names all resolve to the edge host.
pub const PUBLIC: &str = "example.org";
/// The manager's name. Browsers resolve names under `localhost` to the loopback interface.
pub const MANAGER: &str = "holdfast.localhost";
