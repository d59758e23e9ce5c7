//! Backups of containers: making them, and making containers of them again.

use std::collections::{BTreeMap, BTreeSet};

use super::{check_lock, container, container_mut, create, options, volumes};
use crate::auth::{Caller, may, need};
use crate::container::{Container, Power, is_member};
use crate::core::now;
use crate::error::{ApiError, Result};
use crate::params::Params;
use crate::routes::{Answer, Call};
use crate::schema::format::split_list;
use crate::schema::lxc;
use crate::state::{Archive, Kind, State, Volume};
use crate::task::{self, Run};
use crate::{config::StorageKind, size};

/// What is to be backed up, and how.
struct Job {
    vmids: Vec<u32>,
    /// Whether what the caller may not back up is passed over.
    all: bool,
    storage: String,
    ending: &'static str,
    stops: bool,
    notes: Option<String>,
    protected: bool,
    /// How many are kept of each container; none when all are.
    kept: Option<usize>,
    caller: Caller,
}

/// `POST /nodes/{node}/vzdump`. Whether storage and containers are there is found out in the task.
pub(crate) fn create(call: &Call) -> Result<Answer> {
    let params = &call.params;
    check(call)?;
    let job = Job {
        vmids: call.core.read(|state| wanted(call, state)),
        all: params.get("vmid").is_none(),
        storage: params.get("storage").unwrap_or("local").to_owned(),
        ending: match params.text("compress") {
            "zstd" => ".tar.zst",
            "gzip" => ".tar.gz",
            "1" | "lzo" => ".tar.lzo",
            _ => ".tar",
        },
        stops: params.text("mode") == "stop",
        notes: params.get("notes-template").map(str::to_owned),
        protected: params.flag("protected"),
        kept: kept(params),
        caller: call.caller.clone(),
    };
    let id = match job.vmids.as_slice() {
        [one] if !job.all => one.to_string(),
        _ => String::new(),
    };
    let order = call.order("vzdump", &id);
    Ok(task::start(&call.core, &order, |run| work(run, job)).into())
}

fn check(call: &Call) -> Result<()> {
    let params = &call.params;
    let given = |name: &str| params.get(name).is_some();
    if !call.caller.is_root() {
        for name in ["dumpdir", "script", "tmpdir", "job-id"] {
            if given(name) {
                return Err(ApiError::parameter(name, "Only root may set this option."));
            }
        }
    }
    if !given("vmid") && !params.flag("all") && !given("pool") {
        return Err(ApiError::parameter("vmid", "property is missing"));
    }
    if params.flag("all") && given("vmid") {
        return Err(ApiError::parameter(
            "all",
            "option conflicts with option 'vmid'",
        ));
    }
    let Some(storage) = params.get("storage") else {
        return Ok(());
    };
    call.core.read(|state| {
        let path = format!("/storage/{storage}");
        need(
            &state.directory,
            &call.caller,
            &path,
            &["Datastore.AllocateSpace"],
        )
    })
}

fn wanted(call: &Call, state: &State) -> Vec<u32> {
    let params = &call.params;
    let read = |text: &str| -> BTreeSet<u32> {
        split_list(text)
            .filter_map(|vmid| vmid.parse().ok())
            .collect()
    };
    let excluded = read(params.text("exclude"));
    if let Some(list) = params.get("vmid") {
        return read(list).into_iter().collect();
    }
    let pool = params
        .get("pool")
        .map(|pool| state.directory.pools.get(pool));
    let here = state.containers.values().filter(|c| c.node == call.node());
    here.map(|container| container.vmid)
        .filter(|vmid| !excluded.contains(vmid))
        .filter(|vmid| pool.is_none_or(|pool| pool.is_some_and(|pool| pool.vms.contains(vmid))))
        .collect()
}

/// How many backups are kept, as far as `keep-last` says so.
fn kept(params: &Params) -> Option<usize> {
    if params.get("remove") == Some("0") {
        return None;
    }
    let parts = crate::schema::storage::prune()
        .parse("prune-backups", params.get("prune-backups")?)
        .ok()?;
    parts.get("keep-last")?.parse().ok()
}

async fn work(run: Run, job: Job) -> std::result::Result<(), String> {
    run.core.read(|state| {
        let problem = |words: &str| {
            let name = &job.storage;
            format!("could not get storage information for '{name}': {words}")
        };
        let storage = volumes::usable(state, &run.node, &job.storage);
        let storage =
            storage.map_err(|_| problem(&format!("storage '{}' does not exist", job.storage)))?;
        if storage.takes("backup") {
            return Ok(());
        }
        Err(problem(
            "can't use storage for backups - wrong content type",
        ))
    })?;
    let mut failures = 0_u32;
    for vmid in &job.vmids {
        if let Err(problem) = one(&run, &job, *vmid).await {
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

/// Takes the container's lock, waits, writes the backup, and gives the lock back whatever happened.
async fn one(run: &Run, job: &Job, vmid: u32) -> std::result::Result<(), String> {
    let allowed = run.core.read(|state| {
        may(
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

fn store(
    state: &mut State,
    run: &Run,
    job: &Job,
    vmid: u32,
) -> std::result::Result<String, String> {
    let storage =
        volumes::storage(state, &job.storage).map_err(|_| "storage is gone".to_owned())?;
    let time = Time::of(now().as_secs());
    let name = if storage.kind == StorageKind::Pbs {
        format!("backup/ct/{vmid}/{}", time.iso())
    } else {
        format!("backup/vzdump-lxc-{vmid}-{}{}", time.file(), job.ending)
    };
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
    let place = (run.node.as_str(), job.storage.as_str());
    let mut volume = Volume::new(place, &name, disk, Kind::Backup(Box::new(archive)));
    (volume.notes, volume.protected) = (notes, job.protected);
    let id = volume.id();
    state.volumes.push(volume);
    Ok(id)
}

/// Takes away the oldest backups of a container beyond the number that is kept.
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
    let own = |volume: &&Volume| {
        let of_it = matches!(&volume.kind, Kind::Backup(archive) if archive.vmid == vmid);
        of_it && volume.storage == job.storage && !volume.protected
    };
    let mut names: Vec<String> = state.volumes.iter().filter(own).map(Volume::id).collect();
    names.sort();
    names.reverse();
    let gone: Vec<String> = names.into_iter().skip(kept).collect();
    state.remove_volumes(|volume| gone.contains(&volume.id()));
}

/// A moment, by the calendar, in UTC.
struct Time {
    date: (i64, u64, u64),
    clock: (u64, u64, u64),
}

impl Time {
    /// Of seconds since 1970. The calendar's arithmetic is that of days counted from March.
    fn of(seconds: u64) -> Self {
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = i64::try_from(year_of_era + era * 400).unwrap_or_default();
        Self {
            date: (year + i64::from(month <= 2), month, day),
            clock: (rest / 3600, rest / 60 % 60, rest % 60),
        }
    }

    fn file(&self) -> String {
        let ((year, month, day), (hour, minute, second)) = (self.date, self.clock);
        format!("{year:04}_{month:02}_{day:02}-{hour:02}_{minute:02}_{second:02}")
    }

    fn iso(&self) -> String {
        let ((year, month, day), (hour, minute, second)) = (self.date, self.clock);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// What is to be made of a backup.
struct Restore {
    vmid: u32,
    archive: String,
    storage: Option<String>,
    given: BTreeMap<String, String>,
    unique: bool,
    start: bool,
    caller: Caller,
}

/// `POST /nodes/{node}/lxc` with `restore=1`. With `force` it takes the place of a container that
/// is there and stopped.
pub(crate) fn restore(call: &Call, archive: String) -> Result<Answer> {
    let params = &call.params;
    let vmid = params.vmid();
    let given = params
        .iter()
        .filter(|(name, _)| lxc::config().find(name).is_some())
        .filter(|(name, _)| *name != "rootfs" && !is_member(name, "mp"))
        .map(|(name, value)| Ok((name.to_owned(), options::stored(name, value)?)))
        .collect::<Result<BTreeMap<_, _>>>()?;
    let restore = Restore {
        vmid,
        archive,
        storage: params.get("storage").map(str::to_owned),
        given,
        unique: params.flag("unique"),
        start: params.flag("start"),
        caller: call.caller.clone(),
    };
    call.core.edit(|state| {
        if let Some(storage) = &restore.storage {
            let path = format!("/storage/{storage}");
            need(
                &state.directory,
                &call.caller,
                &path,
                &["Datastore.AllocateSpace"],
            )?;
            volumes::container_storage(state, call.node(), storage)?;
        }
        match container(state, call.node(), vmid) {
            Ok(old) if params.flag("force") => {
                check_lock(old)?;
                if old.is_running() {
                    let words = "unable to restore: container is running";
                    return Err(ApiError::failed(words));
                }
            }
            _ => super::check_vmid(state, vmid)?,
        }
        let mut stub = Container::new(vmid, call.node());
        stub.options.insert("lock".into(), "create".into());
        state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
        state.containers.insert(vmid, stub);
        Ok(())
    })?;
    let id = vmid.to_string();
    let order = call.order("vzrestore", &id);
    Ok(task::start(&call.core, &order, |run| rebuild(run, restore)).into())
}

async fn rebuild(run: Run, restore: Restore) -> std::result::Result<(), String> {
    let vmid = restore.vmid;
    let paused = run.pause(run.core.config.delays.create).await;
    let done = run.core.edit(|state| {
        paused?;
        unpack(state, &run, &restore)
    });
    if let Err(problem) = done {
        run.core.edit(|state| {
            state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
            state.forget_container(vmid);
        });
        return Err(format!("unable to restore CT {vmid} - {problem}"));
    }
    run.log(format!(
        "recovering backed-up configuration from '{}'",
        restore.archive
    ));
    create::start_if(&run, &restore.caller, vmid, restore.start);
    Ok(())
}

fn unpack(state: &mut State, run: &Run, restore: &Restore) -> std::result::Result<(), String> {
    let found = state.volume(&run.node, &restore.archive);
    let archive = match found.map(|volume| &volume.kind) {
        Some(Kind::Backup(archive)) => archive.as_ref().clone(),
        _ => return Err(format!("volume '{}' does not exist", restore.archive)),
    };
    let mut restored = archive.options;
    restored.remove("lock");
    restored.remove("template");
    for (name, value) in &mut restored {
        let object = match name.as_str() {
            "rootfs" => lxc::rootfs(),
            name if is_member(name, "mp") => lxc::mount_point(),
            _ => continue,
        };
        let mut parts = object.parse(name, value)?;
        let old = parts.get("volume").cloned().unwrap_or_default();
        let storage = match &restore.storage {
            Some(storage) => storage.as_str(),
            None => old.split(':').next().unwrap_or_default(),
        };
        let bytes = parts.get("size").and_then(|size| size::parse(size));
        let wanted = (storage, bytes.unwrap_or(4 << 30));
        let id = volumes::allocate(state, &run.node, restore.vmid, wanted)?;
        parts.insert("volume".into(), id);
        *value = object.write(&parts);
    }
    restored.extend(restore.given.clone());
    if restore.unique {
        for (name, value) in &mut restored {
            if let Ok(mut parts) = lxc::network().parse(name, value)
                && is_member(name, "net")
            {
                parts.remove("hwaddr");
                let written = lxc::network().write(&parts);
                *value = options::stored(name, &written).unwrap_or(written);
            }
        }
    }
    let container = container_mut(state, &run.node, restore.vmid)?;
    (container.options, container.raw) = (restored, archive.raw);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn moments_are_named_by_the_calendar() {
        assert_eq!(Time::of(0).iso(), "1970-01-01T00:00:00Z");
        assert_eq!(Time::of(1_709_210_096).file(), "2024_02_29-12_34_56");
        assert_eq!(Time::of(1_795_210_310).iso(), "2026-11-20T21:31:50Z");
    }
}
