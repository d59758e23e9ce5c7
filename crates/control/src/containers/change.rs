//! Edits, starts, stops and deletes containers. Stores the desired state and the job that applies
//! it in one transaction.

use model::{
    ContainerId, Error, JobId, Kind,
    containers::{ContainerSpec, EditContainer, Power},
    jobs::JobKind,
    names::Domain,
    permissions::{ContainerManage, Permit},
    users::{Usage, UserRow},
};
use store::{Conn, containers::ContainerRecord, sites::SiteRecord};

use super::{
    authorize, create::check_limits, reserved_names::Requester, services::ServiceAllocator,
};
use crate::{Actor, Control, failure::StoreResultExt as _, jobs, status::ObservedState};

/// Changes the desired state of a container. Returns the job that applies it, if the cluster is
/// affected.
///
/// # Errors
/// [`Error::Conflict`] when the container was changed in the meantime, [`Error::Invalid`] for a
/// field that cannot change or exceeds a limit, [`Error::TooManyRequests`] after too many jobs.
pub async fn edit(
    control: &Control,
    actor: &Actor,
    id: ContainerId,
    edit: EditContainer,
) -> Result<Option<JobId>, Error> {
    let (record, permit) = authorize(control, actor, id).await?;
    require_created(&record)?;
    let requester = actor.clone();
    let manager = control.manager_name().cloned();
    let job = control
        .store()
        .write(move |c| edit_in_transaction(c, permit, &requester, manager.as_ref(), (id, &edit)))
        .await
        .into_model("edit container")??;
    control.notifier().publish_container(id, record.owner);
    if let Some(job) = job {
        jobs::publish_job(control, job, record.owner);
    }
    Ok(job)
}

fn edit_in_transaction(
    c: &mut Conn,
    permit: Permit<ContainerManage>,
    actor: &Actor,
    manager: Option<&Domain>,
    (id, edit): (ContainerId, &EditContainer),
) -> Result<Result<Option<JobId>, Error>, store::Error> {
    let Some((record, owner, site)) = lock(c, id)? else {
        return Ok(Err(Error::not_found(Kind::Container)));
    };
    if let Err(refusal) = check_edit(&record, edit, &owner) {
        return Ok(Err(refusal));
    }
    let allocator = ServiceAllocator {
        requester: Requester { actor, manager },
        site: &site,
        container: Some(id),
        name: &record.name,
        desired: &edit.spec.services,
        current: &record.services,
    };
    let services = match allocator.allocate(c)? {
        Ok(services) => services,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if record.spec == edit.spec {
        return Ok(Ok(None));
    }
    // An edit without a job has the limit too, because it changes the configuration of edge hosts.
    let allowance = match jobs::JobAllowance::obtain(c, actor)? {
        Ok(allowance) => allowance,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !store::containers::update_spec(c, permit, id, edit.version, &edit.spec, &services)? {
        return Ok(Err(concurrent_edit()));
    }
    if !needs_cluster(&record.spec, &edit.spec) {
        allowance.record(c)?;
        return Ok(Ok(None));
    }
    let job = jobs::NewJob {
        kind: JobKind::Edit,
        container: id,
        name: &record.name,
        site: &site,
        owner: record.owner,
        source: &record.spec.source,
        allowance,
    };
    let args = jobs::Args {
        restart: edit.restart,
        ..jobs::Args::default()
    };
    Ok(Ok(Some(jobs::queue(c, permit, actor, &job, args)?)))
}

/// Locks the owner and the site of a container. Returns them with the container.
fn lock(
    c: &mut Conn,
    id: ContainerId,
) -> Result<Option<(ContainerRecord, UserRow, SiteRecord)>, store::Error> {
    let Some(record) = store::containers::get(c, id)? else {
        return Ok(None);
    };
    store::users::lock(c, record.owner)?;
    let owner = store::users::get(c, record.owner)?;
    let site = store::sites::lock(c, record.site)?;
    Ok(owner
        .zip(site)
        .map(|(owner, site)| (record, owner.row, site)))
}

fn check_edit(
    record: &ContainerRecord,
    edit: &EditContainer,
    owner: &UserRow,
) -> Result<(), Error> {
    if record.version != edit.version {
        return Err(concurrent_edit());
    }
    if record.spec.source != edit.spec.source {
        return Err(Error::invalid_field(
            "source",
            "The template or image of a container cannot change.",
        ));
    }
    if record.spec.disk != edit.spec.disk {
        return Err(Error::invalid_field(
            "disk",
            "The size of the disk cannot change.",
        ));
    }
    if record.spec.docker != edit.spec.docker {
        let message = "The Docker setting cannot change.";
        return Err(Error::invalid_field("docker", message));
    }
    let (old, new) = (&record.spec, &edit.spec);
    let usage = Usage {
        cores: owner.usage.cores - old.cores.get().min(owner.usage.cores) + new.cores.get(),
        memory_mib: owner.usage.memory_mib - old.memory.get().min(owner.usage.memory_mib)
            + new.memory.get(),
        ..owner.usage
    };
    // A limit below the current usage must not prevent a reduction.
    let grows = new.cores > old.cores || new.memory > old.memory;
    if grows {
        check_limits(&owner.limits, &usage)
    } else {
        Ok(())
    }
}

/// Whether the change affects the container on the cluster.
fn needs_cluster(old: &ContainerSpec, new: &ContainerSpec) -> bool {
    old.cores != new.cores
        || old.memory != new.memory
        || old.env != new.env
        || old.entrypoint != new.entrypoint
}

/// Starts, stops or restarts a container.
///
/// # Errors
/// [`Error::Conflict`] when the container is in that state already, was never created, or has an
/// active job; [`Error::TooManyRequests`] after too many jobs.
pub async fn power(
    control: &Control,
    actor: &Actor,
    id: ContainerId,
    power: Power,
) -> Result<JobId, Error> {
    let (record, permit) = authorize(control, actor, id).await?;
    require_created(&record)?;
    match (
        control
            .observer()
            .observed_state(record.cluster, record.vmid),
        power,
    ) {
        (ObservedState::Running, Power::Start) => {
            return Err(Error::conflict(format!(
                "{} is already running.",
                record.name
            )));
        }
        (ObservedState::Stopped, Power::Stop) => {
            return Err(Error::conflict(format!(
                "{} is already stopped.",
                record.name
            )));
        }
        (ObservedState::Missing, _) => {
            let message = format!(
                "{} no longer exists on the cluster. Delete it in Holdfast.",
                record.name
            );
            return Err(Error::conflict(message));
        }
        _ => {}
    }
    let is_running = !matches!(power, Power::Stop);
    queue_job(control, (actor, permit), &record, power.job(), move |c| {
        store::containers::set_desired_running(c, permit, id, is_running)
    })
    .await
}

/// Deletes a container with its disk and releases its name, address and ports.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the container's name, [`Error::Conflict`] while it has
/// an active job.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: ContainerId,
    confirm: &str,
) -> Result<JobId, Error> {
    let (record, permit) = authorize(control, actor, id).await?;
    if record.name.as_str() != confirm.trim() {
        return Err(Error::invalid_field(
            "confirm",
            format!("Type {} to delete the container.", record.name),
        ));
    }
    queue_job(control, (actor, permit), &record, JobKind::Delete, |_| {
        Ok(())
    })
    .await
}

async fn queue_job(
    control: &Control,
    (actor, permit): (&Actor, Permit<ContainerManage>),
    record: &ContainerRecord,
    kind: JobKind,
    set_desired: impl Fn(&mut Conn) -> Result<(), store::Error> + Send + 'static,
) -> Result<JobId, Error> {
    let (requester, for_job) = (actor.clone(), record.clone());
    let job = control
        .store()
        .write(move |c| {
            let Some(site) = store::sites::get(c, for_job.site)? else {
                return Ok(Err(Error::not_found(Kind::Container)));
            };
            // Deletions are limited by the number of containers.
            let allowance = match kind {
                JobKind::Delete => Ok(jobs::JobAllowance::UNLIMITED),
                _ => jobs::JobAllowance::obtain(c, &requester)?,
            };
            let allowance = match allowance {
                Ok(allowance) => allowance,
                Err(refusal) => return Ok(Err(refusal)),
            };
            set_desired(c)?;
            let job = jobs::NewJob {
                kind,
                container: for_job.id,
                name: &for_job.name,
                site: &site,
                owner: for_job.owner,
                source: &for_job.spec.source,
                allowance,
            };
            let args = jobs::Args::default();
            Ok(Ok(jobs::queue(c, permit, &requester, &job, args)?))
        })
        .await
        .into_model("queue container job")??;
    control
        .notifier()
        .publish_container(record.id, record.owner);
    jobs::publish_job(control, job, record.owner);
    Ok(job)
}

fn require_created(record: &ContainerRecord) -> Result<(), Error> {
    if record.provisioned.is_some() {
        return Ok(());
    }
    let name = &record.name;
    Err(Error::conflict(format!(
        "{name} was not created. Retry the job or delete the container."
    )))
}

fn concurrent_edit() -> Error {
    Error::conflict("This container has changed since the page was loaded. Reload and try again.")
}
