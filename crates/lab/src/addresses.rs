//! Which addresses there are in the lab, and what its networks are called. Documentation's networks
//! (RFC 5737) stand for the world outside.

/// The network outside the site: the manager, name servers of others, the edge host's way out.
pub const OUTSIDE: &str = "outside";
/// The site's network, as the simulated nodes call their bridge.
pub const SITE: &str = "vmbr0";

/// Where the lab itself is outside: the manager answers there, and other people's names.
pub const LAB: &str = "192.0.2.1";
/// The edge host outside. Everything under [`PUBLIC`] leads there.
pub const EDGE_OUTSIDE: &str = "192.0.2.2";
/// The server of the zone that can be changed, outside; it is in the lab itself as well.
pub const NAME_SERVER: &str = "192.0.2.53";
/// That zone. Its names lead where its records say.
pub const ZONE: &str = "dns.example.org";
/// The edge host in the site's network, whose way out it is.
pub const EDGE: &str = "10.20.0.1";
/// The site's network.
pub const NETWORK: &str = "10.20.0.0/16";
/// How long the site's prefix is.
pub const PREFIX: &str = "16";
/// The domain whose names all lead to the edge host, as whoever owns it would have them.
pub const PUBLIC: &str = "example.org";
/// The manager's name: browsers look names under `localhost` up on their own machine.
pub const MANAGER: &str = "holdfast.localhost";
