//! Containers: what should be, what was given, and what is shown.

mod docker;
mod form;
mod source;

use std::{collections::BTreeMap, fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ContainerId, Invalid, JobId, ServiceId, SiteId, Timestamp,
    domains::DomainOption,
    env::EnvVars,
    image::TemplateName,
    jobs::JobKind,
    names::{Domain, Label, NodeName, Username},
    net::{Mac, PortRange},
    services::{Publication, ServiceSpec, ServiceView},
    sizes::{Bytes, Cores, DiskGib, MemoryMib},
    text::{Description, Entrypoint},
    users::{Limits, Usage},
};

pub use docker::Docker;
pub use form::{ContainerForm, MAX_SERVICES};
pub use source::Source;

/// What Proxmox says of a container that is not as we left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Drift {
    /// It is on another node.
    Moved {
        /// Where it is.
        to: NodeName,
    },
    /// It has another name there.
    Renamed {
        /// What it is called.
        to: String,
    },
}

/// Everything about a container that a person decides and may later change, and its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// What it is made from; fixed once made.
    pub source: Source,
    /// Processor cores.
    pub cores: Cores,
    /// Memory.
    pub memory: MemoryMib,
    /// Size of its disk; fixed once made.
    pub disk: DiskGib,
    /// Whether Docker can run in it; fixed once made.
    #[serde(default)]
    pub docker: bool,
    /// Environment, over that of the image.
    pub env: EnvVars,
    /// What runs in place of the image's own command.
    pub entrypoint: Option<Entrypoint>,
    /// What it is for.
    pub description: Option<Description>,
    /// What it offers.
    pub services: Vec<ServiceSpec>,
}

/// What an image or template brings of its own: what holds where a specification says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageValues {
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Its command.
    pub entrypoint: Option<String>,
}

/// A container that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewContainer {
    /// The site.
    pub site: SiteId,
    /// Its name, unique on the site.
    pub name: Label,
    /// The rest.
    pub spec: ContainerSpec,
}

/// A change of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditContainer {
    /// The version that the person saw; a change since then is a conflict.
    pub version: i64,
    /// Everything as it should be; source, disk and Docker must be as they are.
    pub spec: ContainerSpec,
    /// Whether to restart when a value takes effect only then.
    pub restart: bool,
}

/// Turning a container on and off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// Start it.
    Start,
    /// Shut it down.
    Stop,
    /// Shut it down and start it.
    Restart,
}

impl Power {
    /// The job that does it.
    pub fn job(self) -> JobKind {
        match self {
            Self::Start => JobKind::Start,
            Self::Stop => JobKind::Stop,
            Self::Restart => JobKind::Restart,
        }
    }
}

/// What a container is, computed from what should be and what is observed; never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its creation is queued or under way.
    Creating,
    /// It runs.
    Running,
    /// It is there and does not run.
    Stopped,
    /// Its creation failed or was cancelled; nothing of it runs.
    Failed,
    /// It was made, and its cluster no longer knows it.
    Missing,
    /// Its cluster or node does not answer.
    Unreachable,
}

impl Status {
    /// Every status, in the order of filters.
    pub const ALL: [Self; 6] = [
        Self::Running,
        Self::Stopped,
        Self::Creating,
        Self::Failed,
        Self::Missing,
        Self::Unreachable,
    ];

    /// The word on pages and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::Unreachable => "unreachable",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(Invalid::new("There is no such status."))
    }
}

/// The job that is at work on a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The job.
    pub job: JobId,
    /// What it does.
    pub kind: JobKind,
}

/// A container as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRow {
    /// The container.
    pub id: ContainerId,
    /// Its name.
    pub name: Label,
    /// Its site's name.
    pub site: Label,
    /// Its site's domain.
    pub domain: Domain,
    /// What it is now.
    pub status: Status,
    /// The job at work on it.
    pub activity: Option<Activity>,
    /// Whose it is.
    pub owner: Username,
    /// Its address.
    pub address: Ipv4Addr,
    /// The first web service's link, if it has one.
    pub link: Option<String>,
    /// When it was asked for.
    pub created: Timestamp,
}

/// What the cluster says of a container now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Share of its cores in use, 0 to 1.
    pub cpu: f64,
    /// Memory in use.
    pub memory: Bytes,
    /// Disk in use.
    pub disk: Bytes,
    /// Seconds since it started.
    pub uptime: u64,
}

/// A container as its own page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainerView {
    /// What lists show.
    pub row: ContainerRow,
    /// Its version, for a change.
    pub version: i64,
    /// As it should be.
    pub spec: ContainerSpec,
    /// Its services with what was given to them.
    pub services: Vec<ServiceView>,
    /// How each of them is published.
    pub publications: Vec<(ServiceId, Publication)>,
    /// The domains under which whoever looks may publish there, the usual one first.
    pub domains: Vec<Domain>,
    /// The cluster's name.
    pub cluster: String,
    /// The node it was put on.
    pub node: NodeName,
    /// What was changed about it in Proxmox, past Holdfast.
    pub drift: Vec<Drift>,
    /// Its number on the cluster.
    pub vmid: u32,
    /// Its hardware address.
    pub mac: Mac,
    /// The address that an edge host has lent it in place of the one that is reserved for it.
    #[serde(default)]
    pub lent: Option<Ipv4Addr>,
    /// Whether it should run.
    pub wished_running: bool,
    /// Whether a changed value takes effect only after a restart.
    pub restart_needed: bool,
    /// What the cluster says; none while it does not run or is not known.
    pub observed: Option<Observed>,
    /// When the cluster was last heard.
    pub observed_at: Option<Timestamp>,
    /// Why the cluster does not answer, in one sentence.
    pub trouble: Option<String>,
    /// Why the creation failed, in one sentence, and the job.
    pub failure: Option<(JobId, String)>,
}

/// What the containers' list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortKey {
    /// By name.
    #[default]
    Name,
    /// By age.
    Created,
    /// By owner's name.
    Owner,
    /// By memory.
    Memory,
    /// By address.
    Address,
}

impl SortKey {
    /// Every key.
    pub const ALL: [Self; 5] = [
        Self::Name,
        Self::Created,
        Self::Owner,
        Self::Memory,
        Self::Address,
    ];

    /// The word in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Created => "created",
            Self::Owner => "owner",
            Self::Memory => "memory",
            Self::Address => "address",
        }
    }
}

/// An order: a key, downwards or not. In addresses `name` or `-created`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// What to sort by.
    pub key: SortKey,
    /// Largest first.
    pub down: bool,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}",
            if self.down { "-" } else { "" },
            self.key.as_str()
        )
    }
}

impl FromStr for Sort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (down, word) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        SortKey::ALL
            .into_iter()
            .find(|key| key.as_str() == word)
            .map(|key| Self { key, down })
            .ok_or(Invalid::new("There is no such order."))
    }
}

/// Which containers to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerQuery {
    /// Only those of this site.
    pub site: Option<Label>,
    /// Only those with this status.
    pub status: Option<Status>,
    /// Only those whose name, owner, source or address has this in it.
    pub q: String,
    /// The order.
    pub sort: Sort,
    /// The page, from 1.
    pub page: u32,
}

/// What the form for a new container offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateOptions {
    /// A name that is free.
    pub suggested_name: Label,
    /// The sites to choose from.
    pub sites: Vec<SiteOption>,
    /// The person's limits.
    pub limits: Limits,
    /// What the person uses of them.
    pub usage: Usage,
}

/// A site as the form for a new container offers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteOption {
    /// The site.
    pub id: SiteId,
    /// Its name.
    pub name: Label,
    /// The domain of its own names.
    pub domain: Domain,
    /// The domains under which the person may publish there, the usual one first.
    #[serde(default)]
    pub domains: Vec<DomainOption>,
    /// The node that a container would be put on now; none when the cluster does not answer.
    pub node: Option<NodeName>,
    /// The templates that lie on its template storage.
    pub templates: Vec<TemplateName>,
    /// The ports that services are given.
    pub ports: PortRange,
    /// Whether Docker can run in a container there.
    #[serde(default)]
    pub docker: Docker,
}
