//! Configuration of a simulated cluster and its timing. Data only.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The secret of the token `root@pam!holdfast` in [`Config::test`].
pub const TEST_SECRET: &str = "5f3c2a10-7d44-4c1e-9b8a-0d6e1f2a3b4c";

/// The protocol of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTP without TLS, which real nodes do not offer.
    Plain,
    /// HTTP over TLS with a self-signed certificate of the simulator.
    Tls,
}

/// How long Proxmox waits for the lock of a container's configuration.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Configuration of a simulator.
#[derive(Clone, Debug)]
pub struct Config {
    /// Listening address. Port 0 selects a free port.
    pub listen: SocketAddr,
    /// Protocol of the listener.
    pub transport: Transport,
    /// Timeout of the TLS handshake.
    pub handshake_timeout: Duration,
    /// Listening address of the control API for faults and conditions, if any. It must be a
    /// loopback address.
    pub control: Option<SocketAddr>,
    /// The content of the cluster at its first start.
    pub scenario: Scenario,
    /// Duration of tasks.
    pub delays: Delays,
    /// Initial speed factor: `delays`, `broadcast` and `address_delay` are divided by it.
    /// [`crate::Handle::set_speed`] changes it.
    pub speed: u32,
    /// Interval of status broadcasts between nodes. A real cluster takes 10 s.
    pub broadcast: Duration,
    /// Delay of the response to a failed authentication. A real node takes 3 s.
    pub auth_delay: Duration,
    /// Time from the start of a container until it has its IPv4 address.
    pub address_delay: Duration,
    /// Timeout for the lock of a container's configuration. A real node waits 10 s.
    pub lock_timeout: Duration,
    /// File that the state is saved to, if any.
    pub state_file: Option<PathBuf>,
}

/// Duration of each kind of task.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    /// Pulling an image from a registry.
    pub pull: Duration,
    /// Creating a container.
    pub create: Duration,
    /// Starting a container.
    pub start: Duration,
    /// Stopping a container immediately.
    pub stop: Duration,
    /// Shutting down a container.
    pub shutdown: Duration,
    /// Destroying a container.
    pub destroy: Duration,
}

/// The content of a cluster. Requests are served by the first node.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The cluster's name.
    pub cluster: String,
    /// Its nodes.
    pub nodes: Vec<NodeSpec>,
    /// Storages, present on every node and not shared.
    pub storages: Vec<StorageSpec>,
    /// Bridges, present on every node.
    pub bridges: Vec<Bridge>,
    /// Container templates, in the first storage that supports them, on every node.
    pub templates: Vec<TemplateSpec>,
    /// Images in the simulated registries.
    pub images: Vec<ImageSpec>,
    /// Initial containers.
    pub containers: Vec<ContainerSpec>,
    /// API tokens without privilege separation.
    pub tokens: Vec<TokenSpec>,
    /// Users with a password.
    pub users: Vec<UserSpec>,
    /// Whether the cluster's firewall is on. A new cluster has it off.
    pub firewall: bool,
}

/// A node of the cluster.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name, such as `pve1`.
    pub name: String,
    /// Its address in the cluster's network.
    pub address: Ipv4Addr,
    /// Number of CPUs.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// Size of the root file system in bytes.
    pub disk: u64,
    /// Uptime when the simulator starts.
    pub uptime: Duration,
}

/// The storage types that are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StorageKind {
    /// A directory.
    Directory,
    /// LVM thin volumes.
    LvmThin,
    /// A ZFS pool.
    ZfsPool,
    /// An NFS share.
    Nfs,
    /// An SMB/CIFS share.
    Cifs,
    /// A datastore of a Proxmox Backup Server.
    Pbs,
}

/// A storage.
#[derive(Clone, Debug)]
pub struct StorageSpec {
    /// Its name, such as `local`.
    pub name: String,
    /// Its type.
    pub kind: StorageKind,
    /// Allowed content types: `rootdir`, `images`, `vztmpl`, `iso`, `backup`.
    pub content: Vec<&'static str>,
    /// Size in bytes.
    pub total: u64,
    /// Bytes used by content that is not simulated.
    pub base_used: u64,
}

/// A bridge whose network has a DHCP server.
#[derive(Clone, Debug)]
pub struct Bridge {
    /// Its name, such as `vmbr0`.
    pub name: String,
    /// The node's address on it.
    pub address: Ipv4Addr,
    /// Prefix length of its network.
    pub prefix: u8,
}

/// A container template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateSpec {
    /// File name, such as `debian-13-standard_13.1-2_amd64.tar.zst`.
    pub file: String,
    /// The detected operating system, such as `debian`.
    pub ostype: String,
    /// Size in bytes.
    pub size: u64,
}

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSpec {
    /// Full reference with registry and tag, such as `docker.io/library/nginx:1.27`.
    pub reference: String,
    /// Entrypoint and command as one shell-quoted line.
    pub entrypoint: String,
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// The detected operating system.
    pub ostype: String,
    /// Size in bytes.
    pub size: u64,
}

/// An initial container.
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    /// VMID.
    pub vmid: u32,
    /// Node.
    pub node: String,
    /// Hostname.
    pub hostname: String,
    /// Number of CPU cores.
    pub cores: u32,
    /// Memory in MiB.
    pub memory: u64,
    /// Size of the root disk in GiB, on the first storage that supports container disks.
    pub disk: u64,
    /// The first network interface, in the format of Proxmox.
    pub net0: String,
    /// Whether it is running.
    pub running: bool,
}

/// A user with a password.
#[derive(Clone)]
pub struct UserSpec {
    /// User ID with realm, such as `root@pam`.
    pub id: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for UserSpec {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("UserSpec")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An API token.
#[derive(Clone)]
pub struct TokenSpec {
    /// Token ID, such as `root@pam!holdfast`.
    pub id: String,
    /// Its secret, a UUID.
    pub secret: String,
}

impl std::fmt::Debug for TokenSpec {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("TokenSpec")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// A realistic cluster of two nodes for demonstrations, without containers.
    pub fn demo(secret: &str) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            transport: Transport::Plain,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            control: None,
            scenario: Scenario::two_nodes(secret),
            delays: Delays {
                pull: Duration::from_secs(6),
                create: Duration::from_millis(2500),
                start: Duration::from_millis(1200),
                stop: Duration::from_millis(600),
                shutdown: Duration::from_millis(1800),
                destroy: Duration::from_millis(1500),
            },
            speed: 1,
            broadcast: Duration::from_secs(3),
            auth_delay: Duration::from_secs(3),
            address_delay: Duration::from_millis(1500),
            lock_timeout: LOCK_TIMEOUT,
            state_file: None,
        }
    }

    /// A cluster of two nodes with two networks and containers that are not managed yet.
    pub fn organization(secret: &str) -> Self {
        Self {
            scenario: Scenario::organization(secret),
            ..Self::demo(secret)
        }
    }

    /// The cluster of [`Config::demo`] with short delays for tests and [`TEST_SECRET`].
    pub fn test() -> Self {
        let quick = Duration::from_millis(20);
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            transport: Transport::Plain,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            control: None,
            scenario: Scenario::two_nodes(TEST_SECRET),
            delays: Delays {
                pull: quick,
                create: quick,
                start: quick,
                stop: quick,
                shutdown: quick,
                destroy: quick,
            },
            speed: 1,
            broadcast: Duration::from_millis(50),
            auth_delay: Duration::ZERO,
            address_delay: quick,
            lock_timeout: LOCK_TIMEOUT,
            state_file: None,
        }
    }
}

impl Config {
    /// The cluster of [`Config::demo`] for a separate process: root@pam has a password, there is no
    /// API token, and some containers exist.
    pub fn standalone(root_password: &str) -> Self {
        Self {
            scenario: Scenario::standalone(root_password),
            ..Self::demo("")
        }
    }

    /// The single node that recordings were made of, with the delays of [`Config::test`]. Only a
    /// password exists; callers create their own tokens.
    pub fn recorded(root_password: &str) -> Self {
        Self {
            scenario: Scenario::recorded(root_password),
            ..Self::test()
        }
    }
}
