//! Containers: what should be and what was given. What is observed is never here.

mod list;
mod published;
mod record;
mod services;
mod taken;

use diesel::prelude::*;
use model::{
    ClusterId, ContainerId, DomainId, SiteId, UserId,
    containers::{ContainerSpec, ImageValues},
    names::{Label, NodeName, SrvName},
    net::{Mac, Port},
    publish::{HttpOptions, QuietS},
    services::{ServiceKind, TcpOptions},
};
use std::net::Ipv4Addr;

use crate::{
    Conn, Error, dialect,
    rows::{self, address_number, small},
    schema::containers,
    sites,
};

pub use list::{Filter, Lean, by_ids, lean, list};
pub use published::{SiteHost, affected, generation, of_site, offering};
pub use record::{ContainerRecord, by_name, get};
pub use taken::{
    count, names, on_cluster, taken_addresses, taken_labels, taken_ports, taken_vmids,
};

/// A service with what is given to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenService {
    /// The port inside the container.
    pub port: Port,
    /// How it is published.
    pub given: Given,
}

/// How a service is published, as the database holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Pages under a name of a domain.
    Http {
        /// The name before the domain.
        label: Label,
        /// The domain.
        domain: DomainId,
        /// How.
        options: HttpOptions,
    },
    /// A TCP port.
    Tcp {
        /// The site's port.
        external: Port,
        /// How it is passed on.
        options: TcpOptions,
        /// The name under which it is reached through TLS: a domain, and the name before it.
        tls: Option<(DomainId, Label)>,
    },
    /// A UDP port.
    Udp {
        /// The site's port.
        external: Port,
        /// How long it may be quiet.
        quiet: QuietS,
    },
    /// A record of the site's own names.
    Srv {
        /// The name before the site's own domain.
        name: SrvName,
    },
}

impl Given {
    /// How it is reached.
    pub fn kind(&self) -> ServiceKind {
        match self {
            Self::Http { .. } => ServiceKind::Http,
            Self::Tcp { .. } => ServiceKind::Tcp,
            Self::Udp { .. } => ServiceKind::Udp,
            Self::Srv { .. } => ServiceKind::Srv,
        }
    }
}

/// A new container with what is given to it. The services of `spec` do not count here.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// The site.
    pub site: SiteId,
    /// The site's cluster.
    pub cluster: ClusterId,
    /// Whose it is.
    pub owner: UserId,
    /// Its name, unique on the site.
    pub name: Label,
    /// What should be.
    pub spec: ContainerSpec,
    /// What it offers.
    pub services: Vec<GivenService>,
    /// The node it is put on.
    pub node: NodeName,
    /// Its number on the cluster.
    pub vmid: u32,
    /// Its hardware address.
    pub mac: Mac,
    /// Its address.
    pub address: Ipv4Addr,
}

/// Writes a container that is to be made, and that should run.
///
/// # Errors
/// [`Error::Duplicate`] for whatever somebody else has; [`Error::NotFound`] when the site, its
/// cluster or the owner is gone.
pub fn insert(c: &mut Conn, new: &NewRecord) -> Result<ContainerId, Error> {
    let spec = &new.spec;
    diesel::insert_into(containers::table)
        .values((
            (
                containers::site_id.eq(new.site.0),
                containers::cluster_id.eq(new.cluster.0),
                containers::owner_id.eq(new.owner.0),
                containers::name.eq(new.name.as_str()),
                containers::source.eq(spec.source.to_string()),
                containers::disk_gib.eq(small(spec.disk.get())),
                containers::docker.eq(spec.docker),
                Changeable::try_from(spec)?,
            ),
            containers::node.eq(new.node.as_str()),
            containers::vmid.eq(i64::from(new.vmid)),
            containers::mac.eq(new.mac.to_string()),
            containers::address.eq(new.address.to_string()),
            containers::address_number.eq(address_number(new.address)),
            containers::wished_running.eq(true),
            containers::restart_needed.eq(false),
            containers::version.eq(1),
            containers::created_at.eq(dialect::now(&c.0)),
        ))
        .execute(&mut c.0)
        .map_err(Error::of_insert)?;
    let id = ContainerId(dialect::inserted_id(&mut c.0)?);
    services::insert(c, id, new.site, &new.services)?;
    sites::bump_of(c, id)?;
    Ok(id)
}

/// What of a specification may change.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = containers, treat_none_as_null = true)]
struct Changeable {
    cores: i32,
    memory_mib: i32,
    env: String,
    entrypoint: Option<String>,
    description: Option<String>,
}

impl TryFrom<&ContainerSpec> for Changeable {
    type Error = Error;

    fn try_from(spec: &ContainerSpec) -> Result<Self, Error> {
        Ok(Self {
            cores: small(spec.cores.get()),
            memory_mib: small(spec.memory.get()),
            env: rows::to_json(&spec.env)?,
            entrypoint: spec.entrypoint.as_ref().map(ToString::to_string),
            description: spec.description.as_ref().map(ToString::to_string),
        })
    }
}

/// Changes what should be, but for source, disk and Docker, if the container still has the version
/// `expected`; whether it had. A service of the same kind and port stays the same row.
///
/// # Errors
/// [`Error::Duplicate`] for a label or port that somebody else has.
pub fn update_spec(
    c: &mut Conn,
    id: ContainerId,
    expected: i64,
    spec: &ContainerSpec,
    services: &[GivenService],
) -> Result<bool, Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .filter(containers::version.eq(expected))
        .set((
            Changeable::try_from(spec)?,
            containers::version.eq(containers::version + 1),
        ))
        .execute(&mut c.0)?;
    if changed == 0 {
        return Ok(false);
    }
    services::replace(c, id, services)?;
    sites::bump_of(c, id)?;
    Ok(true)
}

/// Gives the container another number on its cluster.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Duplicate`] when another has the number.
pub fn set_vmid(c: &mut Conn, id: ContainerId, vmid: u32) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::vmid.eq(i64::from(vmid)))
        .execute(&mut c.0)?;
    rows::one(changed)
}

/// Notes the node that the container is on.
///
/// # Errors
/// [`Error::NotFound`] when it is gone.
pub fn set_node(c: &mut Conn, id: ContainerId, node: &NodeName) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::node.eq(node.as_str()))
        .execute(&mut c.0)?;
    rows::one(changed)
}

/// Notes that the container was made, now.
///
/// # Errors
/// [`Error::NotFound`] when it is gone.
pub fn set_made(c: &mut Conn, id: ContainerId) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::made_at.eq(dialect::now(&c.0).nullable()))
        .execute(&mut c.0)?;
    rows::one(changed)
}

/// Notes that the container is not made, or no more.
///
/// # Errors
/// [`Error::NotFound`] when it is gone.
pub fn set_unmade(c: &mut Conn, id: ContainerId) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::made_at.eq(None::<i64>))
        .execute(&mut c.0)?;
    rows::one(changed)
}

/// Notes whether the container should run.
///
/// # Errors
/// [`Error::NotFound`] when it is gone.
pub fn set_wished_running(c: &mut Conn, id: ContainerId, wished: bool) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::wished_running.eq(wished))
        .execute(&mut c.0)?;
    rows::one(changed)
}

/// Notes whether a changed value takes effect only after a restart.
///
/// # Errors
/// [`Error::NotFound`] when it is gone.
pub fn set_restart_needed(c: &mut Conn, id: ContainerId, needed: bool) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::restart_needed.eq(needed))
        .execute(&mut c.0)?;
    rows::one(changed)
}

/// Keeps what the image or template brought, so that it can be told from what a person set.
///
/// # Errors
/// [`Error::NotFound`] when it is gone.
pub fn set_image(c: &mut Conn, id: ContainerId, image: &ImageValues) -> Result<(), Error> {
    let changed = diesel::update(containers::table.find(id.0))
        .set(containers::image_values.eq(rows::to_json(image)?))
        .execute(&mut c.0)?;
    rows::one(changed)
}

/// Deletes the container with its services; what was given to it is free. Its jobs stay.
///
/// # Errors
/// [`Error::NotFound`] when it is gone.
pub fn delete(c: &mut Conn, id: ContainerId) -> Result<(), Error> {
    sites::bump_of(c, id)?;
    rows::one(diesel::delete(containers::table.find(id.0)).execute(&mut c.0)?)
}
