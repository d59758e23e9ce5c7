//! Edits, starts, stops and deletes containers. Stores the desired state and the job that applies
//! it in one transaction.

use model::{
    ContainerId, Error, JobId,
    containers::{ContainerSpec, EditContainer, Power},
    jobs::JobKind,
    names::Domain,
    users::Usage,
};
use store::{Conn, containers::ContainerRecord};

use super::{create::within, known, missing, reserved::Asker, services::Wish, tell};
use crate::{Actor, Control, failure::Told as _, jobs, status::Seen};

/// Changes the desired state of a container. Returns the job that applies it, if the cluster is
/// affected.
///
/// # Errors
/// [`Error::Conflict`] when the container was changed in the meantime, [`Error::Invalid`] for a
/// field that cannot change or exceeds a limit.
pub async fn edit(
    control: &Control,
    actor: &Actor,
    id: ContainerId,
    edit: EditContainer,
) -> Result<Option<JobId>, Error> {
    let record = known(control, actor, id).await?;
    require_made(&record)?;
    let asker = actor.clone();
    let manager = control.manager_name().cloned();
    let job = control
        .store()
        .write(move |c| edit_now(c, &asker, manager.as_ref(), id, &edit))
        .await
        .told("edit")??;
    tell(control, id, record.owner);
    if let Some(job) = job {
        jobs::announce(control, job, record.owner);
    }
    Ok(job)
}

fn edit_now(
    c: &mut Conn,
    actor: &Actor,
    manager: Option<&Domain>,
    id: ContainerId,
    edit: &EditContainer,
) -> Result<Result<Option<JobId>, Error>, store::Error> {
    let Some(record) = store::containers::get(c, id)? else {
        return Ok(Err(missing()));
    };
    store::users::lock(c, record.owner)?;
    let Some(owner) = store::users::get(c, record.owner)? else {
        return Ok(Err(missing()));
    };
    if let Err(refusal) = allowed(&record, edit, &owner.row) {
        return Ok(Err(refusal));
    }
    let Some(site) = store::sites::get(c, record.site)? else {
        return Ok(Err(missing()));
    };
    let wish = Wish {
        asker: Asker { actor, manager },
        site: &site,
        name: &record.name,
        wanted: &edit.spec.services,
        held: &record.services,
    };
    let services = match wish.give(c)? {
        Ok(services) => services,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !store::containers::update_spec(c, id, edit.version, &edit.spec, &services)? {
        return Ok(Err(changed_since()));
    }
    if !needs_cluster(&record.spec, &edit.spec) {
        return Ok(Ok(None));
    }
    let job = jobs::NewJob {
        kind: JobKind::Edit,
        container: id,
        name: &record.name,
        site: &site,
        owner: record.owner,
        source: &record.spec.source,
    };
    let args = jobs::Args {
        restart: edit.restart,
    };
    Ok(Ok(Some(jobs::queue(c, actor, &job, args)?)))
}

fn allowed(
    record: &ContainerRecord,
    edit: &EditContainer,
    owner: &model::users::UserRow,
) -> Result<(), Error> {
    if record.version != edit.version {
        return Err(changed_since());
    }
    if record.spec.source != edit.spec.source {
        return Err(Error::field(
            "source",
            "What a container was made from cannot change.",
        ));
    }
    if record.spec.disk != edit.spec.disk {
        return Err(Error::field("disk", "The size of the disk cannot change."));
    }
    if record.spec.docker != edit.spec.docker {
        let message = "Whether Docker runs in a container cannot change.";
        return Err(Error::field("docker", message));
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
        within(&owner.limits, &usage)
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
/// active job.
pub async fn power(
    control: &Control,
    actor: &Actor,
    id: ContainerId,
    power: Power,
) -> Result<JobId, Error> {
    let record = known(control, actor, id).await?;
    require_made(&record)?;
    match (control.observer().seen(record.cluster, record.vmid), power) {
        (Seen::Running, Power::Start) => {
            return Err(Error::conflict(format!("{} runs already.", record.name)));
        }
        (Seen::Stopped, Power::Stop) => {
            return Err(Error::conflict(format!(
                "{} is stopped already.",
                record.name
            )));
        }
        (Seen::Missing, _) => {
            let message = format!("The cluster no longer has {}. Delete it here.", record.name);
            return Err(Error::conflict(message));
        }
        _ => {}
    }
    let wished = !matches!(power, Power::Stop);
    queue(control, actor, &record, power.job(), move |c| {
        store::containers::set_wished_running(c, id, wished)
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
    let record = known(control, actor, id).await?;
    if record.name.as_str() != confirm.trim() {
        return Err(Error::field(
            "confirm",
            format!("Type {} to delete it.", record.name),
        ));
    }
    queue(control, actor, &record, JobKind::Delete, |_| Ok(())).await
}

async fn queue(
    control: &Control,
    actor: &Actor,
    record: &ContainerRecord,
    kind: JobKind,
    wish: impl Fn(&mut Conn) -> Result<(), store::Error> + Send + 'static,
) -> Result<JobId, Error> {
    let (asker, for_job) = (actor.clone(), record.clone());
    let job = control
        .store()
        .write(move |c| {
            let Some(site) = store::sites::get(c, for_job.site)? else {
                return Ok(Err(missing()));
            };
            wish(c)?;
            let job = jobs::NewJob {
                kind,
                container: for_job.id,
                name: &for_job.name,
                site: &site,
                owner: for_job.owner,
                source: &for_job.spec.source,
            };
            Ok(Ok(jobs::queue(c, &asker, &job, jobs::Args::default())?))
        })
        .await
        .told("job")??;
    tell(control, record.id, record.owner);
    jobs::announce(control, job, record.owner);
    Ok(job)
}

fn require_made(record: &ContainerRecord) -> Result<(), Error> {
    if record.made.is_some() {
        return Ok(());
    }
    let name = &record.name;
    Err(Error::conflict(format!(
        "{name} was not made. Retry its job, or delete it."
    )))
}

fn changed_since() -> Error {
    Error::conflict("Somebody changed this container meanwhile. Reload it and try again.")
}
