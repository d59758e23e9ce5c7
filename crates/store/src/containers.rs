//! Containers: their desired state and the resources that are allocated to them. Observed state is
//! not stored here.

mod env;
mod filters;
mod in_use;
mod list;
mod record;
mod services;
mod site_containers;

use diesel::prelude::*;
use model::{
    ClusterId, ContainerId, DomainId, SiteId, UserId,
    containers::{ContainerSource, ContainerSpec, ImageValues},
    filters::FilterState,
    names::{ContainerNames, Label, NodeName, SrvName},
    net::{MacAddress, Port},
    permissions::{ContainerCreate, ContainerManage, Permit},
    publish::{HttpOptions, IdleTimeoutS},
    services::{ServiceKind, TcpOptions},
};
use std::net::Ipv4Addr;

use crate::{
    Conn, Error, dialect, names,
    rows::{self, address_number, to_i32},
    schema::containers,
    sites,
};

pub(crate) use env::encrypt_plain;
pub use filters::{
    begin_filters, claim_due_filters, count_filters, finish_filters, list_due_filters,
    refresh_filters, require_filters, turn_filters_off, turn_filters_on,
};
pub use in_use::{
    count, list_names, list_used_addresses, list_used_ports, list_used_vmids, list_vmids_by_cluster,
};
pub use list::{ContainerFilter, ContainerSummary, list, list_by_ids, list_summaries};
pub use record::{ContainerRecord, get, get_by_name};
pub use site_containers::{
    SiteContainer, get_generation, list_affected, list_names_by_services, list_with_services,
};

/// A service with its allocated ports and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundService {
    /// The container port.
    pub container_port: Port,
    /// The allocated ports and names.
    pub binding: ServiceBinding,
}

/// The services of a container with all names that they and the container hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAllocation {
    /// The services.
    pub bindings: Vec<BoundService>,
    /// The names of the container and its services.
    pub names: ContainerNames,
}

/// How a service is published, with its allocated ports and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceBinding {
    /// HTTP under a hostname.
    Http {
        /// The label under the domain.
        label: Label,
        /// The domain.
        domain: DomainId,
        /// The publishing options.
        options: HttpOptions,
    },
    /// TCP on an external port.
    Tcp {
        /// The external port.
        external: Port,
        /// The publishing options.
        options: TcpOptions,
        /// The domain and label for TLS.
        tls: Option<(DomainId, Label)>,
    },
    /// UDP on an external port.
    Udp {
        /// The external port.
        external: Port,
        /// How long nginx keeps a session without datagrams.
        idle_timeout: IdleTimeoutS,
    },
    /// An SRV record in the site's internal domain.
    Srv {
        /// The name under the site's internal domain.
        name: SrvName,
    },
}

impl ServiceBinding {
    /// The kind of service.
    pub fn kind(&self) -> ServiceKind {
        match self {
            Self::Http { .. } => ServiceKind::Http,
            Self::Tcp { .. } => ServiceKind::Tcp,
            Self::Udp { .. } => ServiceKind::Udp,
            Self::Srv { .. } => ServiceKind::Srv,
        }
    }
}

/// The values of a new container with its allocated resources. The services of `spec` are ignored;
/// `services` replaces them.
#[derive(Clone, Debug)]
pub struct NewContainerRow {
    /// The site.
    pub site: SiteId,
    /// The cluster of the site.
    pub cluster: ClusterId,
    /// The owner.
    pub owner: UserId,
    /// The name, unique on the site.
    pub name: Label,
    /// The desired state.
    pub spec: ContainerSpec,
    /// The services.
    pub services: Vec<BoundService>,
    /// The names of the container and its services.
    pub names: ContainerNames,
    /// The node that the scheduler chose.
    pub node: NodeName,
    /// The VMID, unique in the cluster.
    pub vmid: u32,
    /// The MAC address of the first interface.
    pub mac: MacAddress,
    /// The IP address.
    pub address: Ipv4Addr,
}

/// Inserts a container that is to be created and started.
///
/// # Errors
/// [`Error::Duplicate`] for a name, address, VMID, label or port that is in use;
/// [`Error::NotFound`] when the site, its cluster or the owner does not exist.
pub fn insert(
    c: &mut Conn,
    _: Permit<ContainerCreate>,
    new: &NewContainerRow,
) -> Result<ContainerId, Error> {
    let spec = &new.spec;
    let columns = ChangeableColumns::new(c, &new.mac.to_string(), spec)?;
    diesel::insert_into(containers::table)
        .values((
            (
                containers::site_id.eq(new.site.0),
                containers::cluster_id.eq(new.cluster.0),
                containers::owner_id.eq(new.owner.0),
                containers::name.eq(new.name.as_str()),
                containers::source.eq(spec.source.to_string()),
                containers::disk_gib.eq(to_i32(spec.disk.get())),
                containers::docker.eq(spec.docker),
                columns,
            ),
            containers::node.eq(new.node.as_str()),
            containers::vmid.eq(i64::from(new.vmid)),
            containers::mac.eq(new.mac.to_string()),
            containers::address.eq(new.address.to_string()),
            containers::address_number.eq(address_number(new.address)),
            containers::desired_running.eq(true),
            containers::restart_needed.eq(false),
            containers::interface_filters.eq(spec.source != ContainerSource::Imported),
            containers::filter_state.eq(FilterState::Unset.as_str()),
            containers::version.eq(1),
            containers::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)
        .map_err(Error::from_insert)?;
    let id = ContainerId(dialect::inserted_id(&mut c.0)?);
    services::insert(c, id, new.site, &new.services)?;
    names::replace_by_container(c, new.site, id, &new.names)?;
    sites::increment_generation_for_container(c, id)?;
    Ok(id)
}

/// The columns of a specification that can be changed.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = containers, treat_none_as_null = true)]
struct ChangeableColumns {
    cores: i32,
    memory_mib: i32,
    env: String,
    entrypoint: Option<String>,
    description: Option<String>,
}

impl ChangeableColumns {
    fn new(c: &Conn, mac: &str, spec: &ContainerSpec) -> Result<Self, Error> {
        Ok(Self {
            cores: to_i32(spec.cores.get()),
            memory_mib: to_i32(spec.memory.get()),
            env: env::seal(&c.1, env::ENV, mac, &spec.env)?,
            entrypoint: spec.entrypoint.as_ref().map(ToString::to_string),
            description: spec.description.as_ref().map(ToString::to_string),
        })
    }
}

/// Updates the desired state except source, disk and Docker, if the container still has the version
/// `expected`. Returns whether it had. A service of the same kind and port keeps its row.
///
/// # Errors
/// [`Error::Duplicate`] for a name or port that is in use.
pub fn update_spec(
    c: &mut Conn,
    _: Permit<ContainerManage>,
    id: ContainerId,
    expected: i64,
    spec: &ContainerSpec,
    services: &ServiceAllocation,
) -> Result<bool, Error> {
    let Some(mac) = find_mac(c, id)? else {
        return Ok(false);
    };
    let columns = ChangeableColumns::new(c, &mac, spec)?;
    let changed = diesel::update(containers::table.find(id.0))
        .filter(containers::version.eq(expected))
        .set((columns, containers::version.eq(containers::version + 1)))
        .execute(&mut c.0)?;
    if changed == 0 {
        return Ok(false);
    }
    let site = services::replace(c, id, &services.bindings)?;
    names::replace_by_container(c, site, id, &services.names)?;
    sites::increment_generation_for_container(c, id)?;
    Ok(true)
}

fn find_mac(c: &mut Conn, id: ContainerId) -> Result<Option<String>, Error> {
    let row = containers::table.find(id.0).select(containers::mac);
    Ok(row.first(&mut c.0).optional()?)
}

/// Sets the container's VMID.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Duplicate`] when another container has the VMID.
pub fn set_vmid(c: &mut Conn, id: ContainerId, vmid: u32) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::vmid.eq(i64::from(vmid)))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Sets the node that the container is on.
///
/// # Errors
/// [`Error::NotFound`] when the container does not exist.
pub fn set_node(c: &mut Conn, id: ContainerId, node: &NodeName) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::node.eq(node.as_str()))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Marks the container as created in Proxmox now.
///
/// # Errors
/// [`Error::NotFound`] when the container does not exist.
pub fn mark_created(c: &mut Conn, id: ContainerId) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::provisioned_at.eq(dialect::now(&c.0).nullable()))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Sets whether the container should run.
///
/// # Errors
/// [`Error::NotFound`] when the container does not exist.
pub fn set_desired_running(
    c: &mut Conn,
    _: Permit<ContainerManage>,
    id: ContainerId,
    desired: bool,
) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::desired_running.eq(desired))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Sets whether a change takes effect only after a restart.
///
/// # Errors
/// [`Error::NotFound`] when the container does not exist.
pub fn set_restart_needed(c: &mut Conn, id: ContainerId, needed: bool) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::restart_needed.eq(needed))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Stores the default values of the image or template, to distinguish them from values that a user
/// has set.
///
/// # Errors
/// [`Error::NotFound`] when the container does not exist.
pub fn set_image_defaults(c: &mut Conn, id: ContainerId, image: &ImageValues) -> Result<(), Error> {
    let mac = find_mac(c, id)?.ok_or(Error::NotFound)?;
    let sealed = env::seal(&c.1, env::IMAGE_VALUES, &mac, image)?;
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::image_values.eq(sealed))
        .execute(&mut c.0)?;
    rows::ensure_found(changed)
}

/// Deletes the container and its services, which frees its addresses, ports and names. Its jobs are
/// kept.
///
/// # Errors
/// [`Error::NotFound`] when the container does not exist.
pub fn delete(c: &mut Conn, id: ContainerId) -> Result<(), Error> {
    sites::increment_generation_for_container(c, id)?;
    rows::ensure_found(diesel::delete(containers::table.find(id.0)).execute(&mut c.0)?)
}
