//! Creates containers. Reserves all resources of a container in one transaction with its job,
//! before any request to Proxmox.

use std::collections::BTreeSet;

use model::{
    ContainerId, Error, Invalid, JobId, Kind, UserId,
    containers::{ContainerSource, CreateContainer, CreatedContainer},
    jobs::JobKind,
    names::{NodeName, QualifiedName},
    permissions::{ContainerCreate, Permit},
    users::{Limits, Usage},
};
use store::{
    Conn, Unique,
    containers::{NewContainerRow, ServiceAllocation},
    sites::SiteRecord,
};

use super::{docker, reserve, reserved_names::Requester, services::ServiceAllocator};
use crate::{Actor, Control, failure::StoreResultExt as _, jobs};

/// How often a conflict about an address or a VMID is retried.
const MAX_ATTEMPTS: u32 = 20;

/// Reserves the resources of a container and queues the job that creates it.
///
/// # Errors
/// [`Error::Invalid`] for an existing or reserved name, a registry that the site does not allow, a
/// port in use, an exceeded limit, or Docker where the cluster's account may not enable it;
/// [`Error::Unavailable`] while the cluster is unreachable; [`Error::TooManyRequests`] after too
/// many jobs.
pub async fn create(
    control: &Control,
    actor: &Actor,
    new: CreateContainer,
) -> Result<CreatedContainer, Error> {
    let permit: Permit<ContainerCreate> = actor.permit()?;
    if new.spec.source == ContainerSource::Imported {
        let message = "Choose a template or enter an image such as nginx:1.27.";
        return Err(Error::invalid_field("source", message));
    }
    let site = site(control, &new).await?;
    check(control, actor, &new, &site).await?;
    let cluster = site.spec.cluster;
    let node = control
        .observer()
        .least_loaded_node(cluster)
        .ok_or_else(|| Error::Unavailable {
            message: format!(
                "The cluster {} is unreachable. Try again later.",
                site.cluster_name
            ),
        })?;
    let memory = new.spec.memory;
    control.observer().reserve_memory(cluster, &node, memory);
    let reservation = Reservation {
        control: control.clone(),
        permit,
        actor: actor.clone(),
        site: site.clone(),
        node,
        new: new.clone(),
        attempt: 0,
    };
    let (id, owner, job) = reservation.write().await?;
    control.notifier().publish_container(id, owner);
    jobs::publish_job(control, job, owner);
    Ok(CreatedContainer {
        id,
        site: site.spec.name,
        name: new.name,
        job,
    })
}

/// Checks the name, the image's registry and Docker, before anything is reserved.
async fn check(
    control: &Control,
    actor: &Actor,
    new: &CreateContainer,
    site: &SiteRecord,
) -> Result<(), Error> {
    let requester = Requester {
        actor,
        manager: control.manager_name(),
    };
    if new.name.as_str() == "localhost" {
        let message = "localhost is reserved. Choose another name.";
        return Err(Error::invalid_field("name", message));
    }
    let name = QualifiedName::of_label(&new.name, &site.spec.domain);
    if let Some(message) = requester.rejection_reason(&new.name, &name) {
        return Err(Error::invalid_field("name", message));
    }
    let refusal = match &new.spec.source {
        ContainerSource::Image(image) => site.spec.registries.check(image).err(),
        ContainerSource::Template(name) if name.is_image() => Some(Invalid::new(
            "This archive is a pulled image. Enter the image's name, such as nginx:1.27.",
        )),
        ContainerSource::Template(_) | ContainerSource::Imported => None,
    };
    if let Some(refusal) = refusal {
        return Err(Error::invalid_field("source", refusal.to_string()));
    }
    if new.spec.docker
        && let Some(reason) = docker(control, site.spec.cluster)
            .await
            .unsupported_reason()
    {
        return Err(Error::invalid_field("docker", reason));
    }
    Ok(())
}

async fn site(control: &Control, new: &CreateContainer) -> Result<SiteRecord, Error> {
    let id = new.site;
    control
        .store()
        .read(move |c| store::sites::get(c, id))
        .await
        .into_model("load site of new container")?
        .ok_or_else(|| Error::invalid_field("site", "The site does not exist."))
}

#[derive(Clone)]
struct Reservation {
    control: Control,
    permit: Permit<ContainerCreate>,
    actor: Actor,
    site: SiteRecord,
    node: NodeName,
    new: CreateContainer,
    attempt: u32,
}

/// The new container, its owner and its job.
type NewContainerIds = (ContainerId, UserId, JobId);

impl Reservation {
    /// Writes the reservation. Each attempt after a conflict chooses another address and VMID.
    async fn write(mut self) -> Result<NewContainerIds, Error> {
        loop {
            let attempt = self.clone();
            let outcome = self
                .control
                .store()
                .write(move |c| attempt.reserve(c))
                .await;
            match outcome {
                Err(store::Error::Duplicate(
                    Unique::ContainerAddress
                    | Unique::ContainerVmid
                    | Unique::ContainerMac
                    | Unique::ServicePort,
                )) if self.attempt < MAX_ATTEMPTS => self.attempt += 1,
                outcome => return outcome.into_model("create container")?,
            }
        }
    }

    /// Runs in a transaction. Every check precedes the first write.
    fn reserve(&self, c: &mut Conn) -> Result<Result<NewContainerIds, Error>, store::Error> {
        let allowance = match jobs::JobAllowance::obtain(c, &self.actor)? {
            Ok(allowance) => allowance,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let owner = match self.owner(c)? {
            Ok(owner) => owner,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // Locks the site, so that a change of its ranges is seen and creations are serialized.
        let Some(site) = store::sites::lock(c, self.site.id)? else {
            return Ok(Err(Error::invalid_field(
                "site",
                "The site does not exist.",
            )));
        };
        let record = match self.record(c, owner, &site)? {
            Ok(record) => record,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let id = store::containers::insert(c, self.permit, &record)?;
        let job = jobs::NewJob {
            kind: JobKind::Create,
            container: id,
            name: &self.new.name,
            site: &site,
            owner,
            source: &self.new.spec.source,
            allowance,
        };
        let args = jobs::Args {
            pull_again: self.new.pull_again,
            ..jobs::Args::default()
        };
        let job = jobs::queue(c, self.permit.narrow(), &self.actor, &job, args)?;
        Ok(Ok((id, owner, job)))
    }

    /// The owner of the container, after checking the limits. The user's row stays locked until the
    /// end of the transaction, so that two concurrent creations cannot exceed a limit together.
    fn owner(&self, c: &mut Conn) -> Result<Result<UserId, Error>, store::Error> {
        let Some(owner) = self
            .actor
            .me()
            .map(|me| me.id)
            .or(store::users::get_first_administrator(c)?)
        else {
            return Ok(Err(Error::not_found(Kind::User)));
        };
        store::users::lock(c, owner)?;
        let Some(user) = store::users::get(c, owner)? else {
            return Ok(Err(Error::not_found(Kind::User)));
        };
        let desired = usage_with(&user.row.usage, &self.new.spec);
        Ok(check_limits(&user.row.limits, &desired).map(|()| owner))
    }

    fn record(
        &self,
        c: &mut Conn,
        owner: UserId,
        site: &SiteRecord,
    ) -> Result<Result<NewContainerRow, Error>, store::Error> {
        let new = &self.new;
        let addresses = store::containers::list_used_addresses(c, site.id)?;
        let vmids: BTreeSet<u32> =
            store::containers::list_used_vmids(c, site.spec.cluster, &site.spec.vmids)?;
        let allocator = ServiceAllocator {
            requester: Requester {
                actor: &self.actor,
                manager: self.control.manager_name(),
            },
            site,
            container: None,
            name: &new.name,
            desired: &new.spec.services,
            current: &[],
        };
        let allocation = allocator.allocate(c)?;
        let observer = self.control.observer();
        let taken = |vmid| vmids.contains(&vmid) || observer.is_taken(site.spec.cluster, vmid);
        Ok((|| {
            let ServiceAllocation { bindings, names } = allocation?;
            Ok(NewContainerRow {
                site: site.id,
                cluster: site.spec.cluster,
                owner,
                name: new.name.clone(),
                spec: new.spec.clone(),
                services: bindings,
                names,
                node: self.node.clone(),
                vmid: reserve::vmid(&site.spec, taken, self.attempt)?,
                mac: reserve::mac()?,
                address: reserve::address(&site.spec, &addresses, self.attempt)?,
            })
        })())
    }
}

/// The usage with one more container.
fn usage_with(usage: &Usage, spec: &model::containers::ContainerSpec) -> Usage {
    Usage {
        containers: usage.containers + 1,
        cores: usage.cores + spec.cores.get(),
        memory_mib: usage.memory_mib + spec.memory.get(),
        disk_gib: usage.disk_gib + spec.disk.get(),
    }
}

pub(super) fn check_limits(limits: &Limits, usage: &Usage) -> Result<(), Error> {
    limits.exceeded(usage).map_or(Ok(()), Err)
}

/// Reserves a new VMID for a container whose VMID is used by another guest. `tried` contains the
/// VMIDs that were found in use. Returns `None` and writes nothing when `is_held` returns false.
pub(crate) async fn reserve_other_vmid(
    control: &Control,
    is_held: impl Fn(&mut Conn) -> Result<bool, store::Error> + Clone + Send + 'static,
    container: ContainerId,
    site: SiteRecord,
    tried: BTreeSet<u32>,
) -> Result<Option<u32>, Error> {
    for attempt in 0..MAX_ATTEMPTS {
        let (control_, site, tried) = (control.clone(), site.clone(), tried.clone());
        let is_held = is_held.clone();
        let outcome = control
            .store()
            .write(move |c| {
                if !is_held(c)? {
                    return Ok(Ok(None));
                }
                let cluster = site.spec.cluster;
                let reserved = store::containers::list_used_vmids(c, cluster, &site.spec.vmids)?;
                let observer = control_.observer();
                let taken = |vmid| {
                    reserved.contains(&vmid)
                        || tried.contains(&vmid)
                        || observer.is_taken(cluster, vmid)
                };
                match reserve::vmid(&site.spec, taken, attempt) {
                    Ok(vmid) => {
                        store::containers::set_vmid(c, container, vmid)?;
                        Ok(Ok(Some(vmid)))
                    }
                    Err(refusal) => Ok(Err(refusal)),
                }
            })
            .await;
        match outcome {
            Err(store::Error::Duplicate(_)) => {}
            outcome => return outcome.into_model("reserve other VMID")?,
        }
    }
    Err(Error::conflict(
        "No free VMID could be reserved. Try again.",
    ))
}
