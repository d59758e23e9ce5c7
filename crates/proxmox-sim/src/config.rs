//! What a simulated cluster is made of and how slow it is. Data only; nothing here acts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The secret of the token `root@pam!holdfast` in [`Config::test`].
pub const TEST_SECRET: &str = "5f3c2a10-7d44-4c1e-9b8a-0d6e1f2a3b4c";

/// What the API is spoken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTP without TLS, which no real node speaks.
    Plain,
    /// HTTP over TLS with a certificate that the simulator makes and signs itself.
    Tls,
}

/// How long Proxmox waits for the lock of a container's configuration.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How to run a simulator.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What is spoken there.
    pub transport: Transport,
    /// How long a client may take for the TLS handshake.
    pub handshake: Duration,
    /// Where faults and conditions can be asked for over HTTP, if anywhere. It must be an address
    /// of this machine alone.
    pub control: Option<SocketAddr>,
    /// What the cluster consists of at its first start.
    pub scenario: Scenario,
    /// How long tasks take.
    pub delays: Delays,
    /// How many times faster than `delays`, `broadcast` and `address_delay` the cluster is at its
    /// start; [`crate::Handle::set_speed`] changes it.
    pub speed: u32,
    /// How often nodes tell each other their status; a real cluster takes 10 s.
    pub broadcast: Duration,
    /// How long a refused sign-in is kept waiting; a real node takes 3 s.
    pub auth_delay: Duration,
    /// How long after its start a container gets its IPv4 address.
    pub address_delay: Duration,
    /// How long a call waits for the lock of a container's configuration; a real node waits 10 s.
    pub lock_timeout: Duration,
    /// Where containers, volumes and files outlive the process.
    pub state_file: Option<PathBuf>,
}

/// How long the work of each kind of task takes.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    /// Fetching an image from a registry.
    pub pull: Duration,
    /// Creating a container.
    pub create: Duration,
    /// Starting a container.
    pub start: Duration,
    /// Stopping a container at once.
    pub stop: Duration,
    /// Asking a container to shut down.
    pub shutdown: Duration,
    /// Destroying a container.
    pub destroy: Duration,
}

/// What a cluster consists of. The first node is the one that is talked to.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The cluster's name.
    pub cluster: String,
    /// Its nodes.
    pub nodes: Vec<NodeSpec>,
    /// Storages, present on every node and not shared between them.
    pub storages: Vec<StorageSpec>,
    /// Bridges, present on every node.
    pub bridges: Vec<Bridge>,
    /// Container templates in the first storage that takes them, on every node.
    pub templates: Vec<TemplateSpec>,
    /// What registries offer.
    pub images: Vec<ImageSpec>,
    /// Containers that exist from the start.
    pub containers: Vec<ContainerSpec>,
    /// Tokens that may sign in, without separated privileges.
    pub tokens: Vec<Token>,
    /// Who can sign in with a password.
    pub people: Vec<Person>,
}

/// A node of the cluster.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name, such as `pve1`.
    pub name: String,
    /// Its address in the cluster's network.
    pub address: Ipv4Addr,
    /// Number of processors.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// Size of the root file system in bytes.
    pub disk: u64,
    /// How long it has been up when the simulator starts.
    pub uptime: Duration,
}

/// The kinds of storage that are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StorageKind {
    /// A folder.
    Directory,
    /// LVM thin volumes.
    LvmThin,
    /// A pool of ZFS.
    ZfsPool,
    /// A share of an NFS server.
    Nfs,
    /// A share of an SMB server.
    Cifs,
    /// A datastore of a Proxmox Backup Server.
    Pbs,
}

/// A storage.
#[derive(Clone, Debug)]
pub struct StorageSpec {
    /// Its name, such as `local`.
    pub name: String,
    /// What it is.
    pub kind: StorageKind,
    /// What it may hold: `rootdir`, `images`, `vztmpl`, `iso`, `backup`.
    pub content: Vec<&'static str>,
    /// Size in bytes.
    pub total: u64,
    /// Bytes taken by things that are not simulated.
    pub base_used: u64,
}

/// A bridge, with a DHCP server behind it that hands out addresses of its network.
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
    /// The system that is detected in it, such as `debian`.
    pub ostype: String,
    /// Size in bytes.
    pub size: u64,
}

/// An image that a registry offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSpec {
    /// Full reference with registry and tag, such as `docker.io/library/nginx:1.27`.
    pub reference: String,
    /// Entrypoint and command as one shell-quoted line.
    pub entrypoint: String,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// The system that is detected in it.
    pub ostype: String,
    /// Size in bytes.
    pub size: u64,
}

/// A container that exists from the start.
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    /// Its number.
    pub vmid: u32,
    /// The node that it is on.
    pub node: String,
    /// Its host name.
    pub hostname: String,
    /// Number of cores.
    pub cores: u32,
    /// Memory in MiB.
    pub memory: u64,
    /// Size of the root disk in GiB, on the first storage that takes container disks.
    pub disk: u64,
    /// Its first network interface as Proxmox writes it.
    pub net0: String,
    /// Whether it runs.
    pub running: bool,
}

/// An account with a password.
#[derive(Clone)]
pub struct Person {
    /// User and realm: `root@pam`.
    pub id: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Person")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A token that may sign in.
#[derive(Clone)]
pub struct Token {
    /// User and token, such as `root@pam!holdfast`.
    pub id: String,
    /// Its secret, a UUID.
    pub secret: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Token")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// A life-like cluster of two nodes for people to look at, without containers.
    pub fn demo(secret: &str) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            transport: Transport::Plain,
            handshake: HANDSHAKE,
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

    /// A cluster of two nodes with two networks and containers that no one manages yet.
    pub fn organization(secret: &str) -> Self {
        Self {
            scenario: Scenario::organization(secret),
            ..Self::demo(secret)
        }
    }

    /// The cluster of [`Config::demo`], quick enough for tests, with [`TEST_SECRET`].
    pub fn test() -> Self {
        let quick = Duration::from_millis(20);
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            transport: Transport::Plain,
            handshake: HANDSHAKE,
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
    /// The cluster of [`Config::demo`] for a process of its own: root@pam signs in with a password,
    /// there is no token, and others have made some containers.
    pub fn alone(root_password: &str) -> Self {
        Self {
            scenario: Scenario::alone(root_password),
            ..Self::demo("")
        }
    }

    /// The one node of which recordings are kept, as quick as a test. Only a password is known of
    /// it: tokens are made by who needs them.
    pub fn recorded(root_password: &str) -> Self {
        Self {
            scenario: Scenario::recorded(root_password),
            ..Self::test()
        }
    }
}
