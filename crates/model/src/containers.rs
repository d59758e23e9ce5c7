//! Containers: desired state, observed state, and the data of lists and pages.

mod detail;
mod docker;
mod form;
mod query;
mod source;

use std::{collections::BTreeMap, fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ContainerId, Invalid, JobId, ServiceId, SiteId, Timestamp,
    domains::DomainOption,
    env::EnvVars,
    filters::ContainerFilters,
    image::TemplateName,
    jobs::JobKind,
    names::{Domain, Label, NodeName, Username},
    net::{MacAddress, PortRange},
    registries::AllowedRegistries,
    services::{ServicePublishingState, ServiceSpec, ServiceView},
    sizes::{Bytes, Cores, DiskGib, MemoryMib},
    text::{Description, Entrypoint},
    users::{Limits, Usage},
};

pub use detail::{ContainerDetail, CreatedContainer, CreationFailure};
pub use docker::DockerSupport;
pub use form::{ContainerForm, MAX_SERVICES};
pub use query::{ContainerQuery, Sort, SortKey};
pub use source::ContainerSource;

/// A difference between Proxmox and the desired state that was made outside Holdfast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Drift {
    /// The container was migrated to another node.
    Moved {
        /// The current node.
        to: NodeName,
    },
    /// The container was renamed.
    Renamed {
        /// The current name.
        to: String,
    },
}

/// The settings of a container that users choose and may change, and its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// The template or image; cannot be changed after creation.
    pub source: ContainerSource,
    /// CPU cores.
    pub cores: Cores,
    /// The memory limit, without swap.
    pub memory: MemoryMib,
    /// Disk size; cannot be changed after creation.
    pub disk: DiskGib,
    /// Whether Docker can run in the container; cannot be changed after creation.
    #[serde(default)]
    pub docker: bool,
    /// Environment variables; they override those of the image.
    pub env: EnvVars,
    /// The command line; `None` means the image's own.
    pub entrypoint: Option<Entrypoint>,
    /// Text of the user; Proxmox does not receive it.
    pub description: Option<Description>,
    /// The published services.
    pub services: Vec<ServiceSpec>,
}

/// Defaults of an image or template, for values that a specification leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageValues {
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// The command line.
    pub entrypoint: Option<String>,
}

/// A container to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateContainer {
    /// The site that the address, the VMID and external ports are reserved in.
    pub site: SiteId,
    /// The container's name, unique in its site.
    pub name: Label,
    /// The settings.
    pub spec: ContainerSpec,
    /// Whether to replace an archive of the image that was pulled before.
    pub pull_again: bool,
}

/// A change to a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditContainer {
    /// The version that the change is based on; a newer version is a conflict.
    pub version: i64,
    /// The new settings; source, disk and Docker must equal the present ones.
    pub spec: ContainerSpec,
    /// Whether to restart the container when a value takes effect only after a restart.
    pub restart: bool,
}

/// A power action on a container.
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
    /// The job that performs the action.
    pub fn job(self) -> JobKind {
        match self {
            Self::Start => JobKind::Start,
            Self::Stop => JobKind::Stop,
            Self::Restart => JobKind::Restart,
        }
    }
}

/// The status of a container, computed from desired and observed state; never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The creation is queued or running.
    Creating,
    /// The container is running.
    Running,
    /// The container exists and is not running.
    Stopped,
    /// The creation failed or was canceled.
    Failed,
    /// The container was created, and its cluster no longer has it.
    Missing,
    /// The cluster or the node is unreachable.
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

    /// The word on pages and in URLs.
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
            .ok_or(Invalid::new("Use a status such as running or stopped."))
    }
}

/// The running job of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningJob {
    /// The job.
    pub job: JobId,
    /// The job's kind.
    pub kind: JobKind,
}

/// A container, for lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRow {
    /// The container.
    pub id: ContainerId,
    /// The container's name.
    pub name: Label,
    /// The site's name.
    pub site: Label,
    /// The site's domain.
    pub domain: Domain,
    /// The current status.
    pub status: Status,
    /// The queued or running job; a container has at most one.
    pub activity: Option<RunningJob>,
    /// The owner.
    pub owner: Username,
    /// The IP address.
    pub address: Ipv4Addr,
    /// The URL of the first HTTP service, if any.
    pub link: Option<String>,
    /// Whether a service has an external port.
    pub has_external_ports: bool,
    /// When the container was requested.
    pub created: Timestamp,
}

/// The observed resource usage of a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceUsage {
    /// CPU usage as a share of its cores, 0 to 1.
    pub cpu: f64,
    /// Memory in use.
    pub memory: Bytes,
    /// Disk in use.
    pub disk: Bytes,
    /// Seconds since it started.
    pub uptime: u64,
}

/// A container, for its page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainerView {
    /// The data of lists.
    pub row: ContainerRow,
    /// The version, for changes.
    pub version: i64,
    /// The desired settings.
    pub spec: ContainerSpec,
    /// The services with their allocated names and ports.
    pub services: Vec<ServiceView>,
    /// The publishing state of each service.
    pub publications: Vec<(ServiceId, ServicePublishingState)>,
    /// The services whose certificates wait because too many were requested, with the time of the
    /// next attempt.
    #[serde(default)]
    pub certificate_waits: Vec<(ServiceId, Timestamp)>,
    /// The domains that the user may publish under, default first.
    pub domains: Vec<Domain>,
    /// The cluster's name.
    pub cluster: String,
    /// The assigned node.
    pub node: NodeName,
    /// Changes made in Proxmox outside Holdfast.
    pub drift: Vec<Drift>,
    /// The VMID, unique in the cluster.
    pub vmid: u32,
    /// The MAC address of the first interface, by which Holdfast recognizes its containers.
    pub mac: MacAddress,
    /// The address of its DHCP lease, if it differs from the reserved address.
    #[serde(default)]
    pub leased_address: Option<Ipv4Addr>,
    /// The interface filters.
    #[serde(default)]
    pub filters: ContainerFilters,
    /// The desired power state.
    pub desired_running: bool,
    /// Whether a changed value takes effect only after a restart.
    pub restart_needed: bool,
    /// The observed resource usage; `None` if the container is stopped or unknown.
    pub observed: Option<ResourceUsage>,
    /// When the cluster was last observed.
    pub observed_at: Option<Timestamp>,
    /// Why the cluster is unreachable, in one sentence.
    pub last_error: Option<String>,
    /// Why the container was not created.
    pub creation_failure: Option<CreationFailure>,
}

/// The choices of the form for a new container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateOptions {
    /// An unused name.
    pub suggested_name: Label,
    /// The sites.
    pub sites: Vec<SiteOption>,
    /// The user's limits.
    pub limits: Limits,
    /// The user's present usage.
    pub usage: Usage,
}

/// A site, as a choice in the form for a new container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteOption {
    /// The site.
    pub id: SiteId,
    /// The site's name.
    pub name: Label,
    /// The site's own domain.
    pub domain: Domain,
    /// The domains that the user may publish under, default first.
    #[serde(default)]
    pub domains: Vec<DomainOption>,
    /// The node that the scheduler would choose now; `None` if the cluster is unreachable.
    pub node: Option<NodeName>,
    /// The templates on its template storage.
    pub templates: Vec<TemplateName>,
    /// The registries that images may be pulled from.
    #[serde(default)]
    pub registries: AllowedRegistries,
    /// The external ports for services.
    pub ports: PortRange,
    /// Whether Docker can run in containers of the site.
    #[serde(default)]
    pub docker: DockerSupport,
    /// Whether a host of the site has joined.
    #[serde(default)]
    pub has_host: bool,
}

impl SiteOption {
    /// Orders the sites of a choice: the default first, which is the first one with a host.
    pub fn default_first(sites: &[Self]) -> Vec<&Self> {
        let mut sites: Vec<_> = sites.iter().collect();
        sites.sort_by_key(|site| !site.has_host);
        sites
    }
}
