//! The work of `vzdump`.

use crate::access::auth::{Caller, has_privilege};
use crate::clock::Time;
use crate::clock::now;
use crate::cluster::container::Power;
use crate::cluster::lookup::{check_lock, container, container_mut};
use crate::cluster::state::{Archive, Kind, State, Volume};
use crate::cluster::storage::Storage;
use crate::cluster::volumes;
use crate::config::StorageKind;
use crate::tasks::Run;

/// The parameters of a backup run.
pub(crate) struct Job {
    pub(crate) vmids: Vec<u32>,
    /// Whether containers that the caller may not back up are skipped.
    pub(crate) all: bool,
    pub(crate) storage: String,
    pub(crate) ending: &'static str,
    pub(crate) stops: bool,
    pub(crate) notes: Option<String>,
    pub(crate) protected: bool,
    /// The number of backups to keep per container; `None` keeps all.
    pub(crate) kept: Option<usize>,
    pub(crate) caller: Caller,
}

/// Backs up the containers of a job. A failure of one does not stop the others.
pub(crate) async fn work(run: Run, job: Job) -> Result<(), String> {
    run.core.read(|state| {
        let problem = |message: &str| {
            let name = &job.storage;
            format!("could not get storage information for '{name}': {message}")
        };
        let storage = volumes::usable(state, &run.node, &job.storage);
        let storage =
            storage.map_err(|_| problem(&format!("storage '{}' does not exist", job.storage)))?;
        if storage.supports("backup") {
            return Ok(());
        }
        Err(problem(
            "can't use storage for backups - wrong content type",
        ))
    })?;
    let mut failures = 0_u32;
    for vmid in &job.vmids {
        if let Err(problem) = backup_container(&run, &job, *vmid).await {
            run.log(format!("ERROR: Backup of VM {vmid} failed - {problem}"));
            failures += 1;
        }
    }
    if failures == 0 {
        run.log("INFO: Backup job finished successfully");
        return Ok(());
    }
    run.log("INFO: Backup job finished with errors");
    Err("job errors".into())
}

/// Locks the container, waits, writes the backup, and removes the lock even on failure.
async fn backup_container(run: &Run, job: &Job, vmid: u32) -> Result<(), String> {
    let allowed = run.core.read(|state| {
        has_privilege(
            &state.directory,
            &job.caller,
            &format!("/vms/{vmid}"),
            "VM.Backup",
        )
    });
    if !allowed && job.all {
        return Ok(());
    }
    if !allowed {
        return Err(format!("Permission check failed (/vms/{vmid}, VM.Backup)"));
    }
    run.log(format!("INFO: Starting Backup of VM {vmid} (lxc)"));
    let stopped = {
        let _lock = run.core.lock_config(vmid).await?;
        run.core.edit(|state| {
            let container = container_mut(state, &run.node, vmid)
                .map_err(|_| format!("unable to find VM '{vmid}'"))?;
            check_lock(container)?;
            container.options.insert("lock".into(), "backup".into());
            let stops = job.stops && container.is_running();
            if stops {
                container.power = Power::Stopped;
            }
            Ok::<_, String>(stops)
        })?
    };
    let waited = run.pause(run.core.config.delays.create).await;
    let id = run.core.edit(|state| {
        let pid = state.next_pid();
        let container = container_mut(state, &run.node, vmid)?;
        container.options.remove("lock");
        if stopped {
            let since = u64::try_from(now().as_millis()).unwrap_or_default();
            container.power = Power::Running { since, pid };
        }
        waited?;
        let id = store(state, run, job, vmid)?;
        prune(state, job, vmid);
        Ok::<_, String>(id)
    })?;
    run.log(format!("INFO: created vzdump archive '{id}'"));
    run.log(format!("INFO: Finished Backup of VM {vmid}"));
    Ok(())
}

fn store(state: &mut State, run: &Run, job: &Job, vmid: u32) -> Result<String, String> {
    let storage =
        volumes::storage(state, &job.storage).map_err(|_| "storage is gone".to_owned())?;
    let name = free_name(state, (&run.node, storage), vmid, job.ending);
    let container = container(state, &run.node, vmid)?;
    let archive = Archive {
        vmid,
        options: container.options.clone(),
        raw: container.raw.clone(),
    };
    let disk = container.disk() / 12;
    let notes = job.notes.as_ref().map(|notes| {
        let notes = notes.replace("{{guestname}}", &container.name());
        let notes = notes.replace("{{vmid}}", &vmid.to_string());
        notes.replace("{{node}}", &run.node)
    });
    let location = (run.node.as_str(), job.storage.as_str());
    let mut volume = Volume::new(location, &name, disk, Kind::Backup(Box::new(archive)));
    (volume.notes, volume.protected) = (notes, job.protected);
    let id = volume.id();
    state.volumes.push(volume);
    Ok(id)
}

/// Backup names contain the time in seconds. If a name is in use, the next free second is used.
fn free_name(state: &State, location: (&str, &Storage), vmid: u32, ending: &str) -> String {
    let (node, storage) = location;
    let begin = now().as_secs();
    let name = |seconds: u64| {
        let time = Time::from_seconds(seconds);
        if storage.kind == StorageKind::Pbs {
            format!("backup/ct/{vmid}/{}", time.iso())
        } else {
            format!("backup/vzdump-lxc-{vmid}-{}{ending}", time.file())
        }
    };
    let free = |name: &String| {
        let id = format!("{}:{name}", storage.name);
        state.volume(node, &id).is_none()
    };
    let mut names = (begin..).map(name);
    names.find(free).unwrap_or_default()
}

/// Removes the oldest backups of a container beyond the number to keep.
fn prune(state: &mut State, job: &Job, vmid: u32) {
    let by_storage = || {
        let options = &state.storages.get(&job.storage)?.options;
        let rule = options.get("prune-backups")?;
        let parts = crate::schema::storage::prune()
            .parse("prune-backups", rule)
            .ok()?;
        parts.get("keep-last")?.parse().ok()
    };
    let Some(kept) = job.kept.or_else(by_storage) else {
        return;
    };
    let is_own = |volume: &&Volume| {
        let is_backup = matches!(&volume.kind, Kind::Backup(archive) if archive.vmid == vmid);
        is_backup && volume.storage == job.storage && !volume.protected
    };
    let mut names: Vec<String> = state
        .volumes
        .iter()
        .filter(is_own)
        .map(Volume::id)
        .collect();
    names.sort();
    names.reverse();
    let removed: Vec<String> = names.into_iter().skip(kept).collect();
    state.remove_volumes(|volume| removed.contains(&volume.id()));
}
