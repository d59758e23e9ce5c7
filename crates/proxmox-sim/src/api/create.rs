//! Creating containers.
//!
//! Checked before the task starts: parameters, privileges, VMID, storages and the format of the
//! template's volume ID. The task checks whether the template exists and does everything that takes
//! time. Until the task ends the container is a stub with the lock `create`.

use std::collections::BTreeMap;

use super::{check_vmid, container_mut, options, power, restore, volumes};
use crate::access::auth::{Caller, has_privilege, require_privilege};
use crate::cluster::container::{Container, is_member};
use crate::cluster::state::{Kind, State, Volume};
use crate::config::ImageSpec;
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::schema::lxc;
use crate::schema::object::{Object, Parts};
use crate::tasks::{self, Run};
use volumes::VolumeRequest;

/// A disk to allocate or reuse, and the option that it belongs to.
struct Disk {
    option: String,
    parts: Parts,
    requested: VolumeRequest,
}

impl Disk {
    /// The storage that the disk is allocated on, or `None` for an existing volume.
    fn storage(&self) -> Option<&str> {
        match &self.requested {
            VolumeRequest::New { storage, .. } => Some(storage),
            VolumeRequest::Existing(_) => None,
        }
    }
}

/// The parameters of the task.
struct Plan {
    vmid: u32,
    template: String,
    options: BTreeMap<String, String>,
    disks: Vec<Disk>,
    start: bool,
    caller: Caller,
}

/// `POST /nodes/{node}/lxc`.
pub(crate) fn create(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    check_pool(call)?;
    let sent: BTreeMap<&str, &str> = params
        .iter()
        .filter(|(name, _)| lxc::config().find(name).is_some())
        .collect();
    let unprivileged = sent.get("unprivileged").is_none_or(|value| *value == "1");
    options::check_rights(&call.caller, &sent, None, unprivileged)?;
    if !unprivileged {
        call.core.read(|state| {
            require_privilege(&state.directory, &call.caller, "/", &["Sys.Modify"])
        })?;
    }
    if let Some(keys) = params.get("ssh-public-keys") {
        options::check_ssh_keys(keys)?;
    }
    // A restore may replace an existing container.
    if params.flag("restore") {
        let archive = template(call)?;
        return restore::restore(call, archive);
    }
    check_free(call)?;
    let template = template(call)?;
    let disks = disks(call, &sent)?;
    check_storage_and_network_access(call, &sent, &disks)?;
    let plan = Plan {
        vmid: params.vmid(),
        template,
        options: stored_options(call, &sent)?,
        disks,
        start: params.flag("start"),
        caller: call.caller.clone(),
    };
    reserve(call)?;
    let id = params.vmid().to_string();
    Ok(
        tasks::start(&call.core, &call.spec("vzcreate", &id), |run| {
            work(run, plan)
        })
        .into(),
    )
}

/// Checks that the pool exists and that the caller may allocate the VMID or use the pool.
fn check_pool(call: &Call) -> Result<()> {
    let (pool, vmid) = (call.params.get("pool"), call.params.vmid());
    call.core.read(|state| {
        let directory = &state.directory;
        if let Some(pool) = pool.filter(|pool| !directory.pools.contains_key(*pool)) {
            return Err(ApiError::Forbidden(format!("pool '{pool}' does not exist")));
        }
        let paths = [
            Some(format!("/vms/{vmid}")),
            pool.map(|pool| format!("/pool/{pool}")),
        ];
        let mut paths = paths.into_iter().flatten();
        if paths.any(|path| has_privilege(directory, &call.caller, &path, "VM.Allocate")) {
            return Ok(());
        }
        Err(ApiError::Forbidden(String::new()))
    })
}

/// Checks that the caller may allocate on the storages and use the bridges, in this order.
fn check_storage_and_network_access(
    call: &Call,
    sent: &BTreeMap<&str, &str>,
    disks: &[Disk],
) -> Result<()> {
    call.core.read(|state| {
        let require_privilege = |path: &str, privilege| {
            require_privilege(&state.directory, &call.caller, path, &[privilege])
        };
        for storage in disks.iter().filter_map(Disk::storage) {
            require_privilege(&format!("/storage/{storage}"), "Datastore.AllocateSpace")?;
        }
        for (name, value) in sent.iter().filter(|(name, _)| is_member(name, "net")) {
            let parts = lxc::network().parse(name, value).unwrap_or_default();
            if let Some(bridge) = parts.get("bridge") {
                require_privilege(&format!("/sdn/zones/localnetwork/{bridge}"), "SDN.Use")?;
            }
        }
        Ok(())
    })
}

fn check_free(call: &Call) -> Result<()> {
    call.core
        .read(|state| check_vmid(state, call.params.vmid()))
}

/// Creates the stub. A concurrent request for the same VMID fails.
fn reserve(call: &Call) -> Result<()> {
    let vmid = call.params.vmid();
    call.core.edit(|state| {
        check_vmid(state, vmid)?;
        let mut stub = Container::new(vmid, call.node());
        stub.options.insert("lock".into(), "create".into());
        state.containers.insert(vmid, stub);
        if let Some(pool) = call.params.get("pool")
            && let Some(pool) = state.directory.pools.get_mut(pool)
        {
            pool.vms.insert(vmid);
        }
        Ok(())
    })
}

/// Validates the format of the template's volume ID. The task checks that the volume exists.
fn template(call: &Call) -> Result<String> {
    let id = call.params.text("ostemplate");
    if id == "-" {
        return Err(ApiError::failed("pipe requires cli environment"));
    }
    let name = call
        .core
        .read(|state| volumes::split_id(state, id).map(|(_, name)| name.to_owned()))?;
    let name = name.as_str();
    let (kind, file) = name.split_once('/').unwrap_or(("", name));
    let archive = [".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2"];
    let is_supported = match kind {
        "vztmpl" => archive.iter().any(|ending| file.ends_with(ending)),
        "iso" => file.ends_with(".iso"),
        "backup" => file.starts_with("vzdump-"),
        _ => false,
    };
    if !is_supported || file.contains('/') {
        return Err(ApiError::Failed(format!(
            "unable to parse directory volume name '{name}'"
        )));
    }
    let requested = if call.params.flag("restore") {
        "backup"
    } else {
        "vztmpl"
    };
    if kind != requested {
        return Err(ApiError::Failed(format!(
            "unable to use volume {id} - content type needs to be '{requested}'"
        )));
    }
    Ok(id.to_owned())
}

/// The normalized options, with the defaults that Proxmox stores.
fn stored_options(call: &Call, sent: &BTreeMap<&str, &str>) -> Result<BTreeMap<String, String>> {
    let mut stored = BTreeMap::from([
        ("arch".to_owned(), "amd64".to_owned()),
        ("hostname".to_owned(), format!("CT{}", call.params.vmid())),
        ("memory".to_owned(), "512".to_owned()),
        ("swap".to_owned(), "512".to_owned()),
        ("unprivileged".to_owned(), "1".to_owned()),
    ]);
    let plain = sent
        .iter()
        .filter(|(name, _)| **name != "rootfs" && !is_member(name, "mp"));
    for (name, value) in plain {
        let value = options::normalize(name, value)?;
        if !value.is_empty() {
            stored.insert((*name).to_owned(), value);
        }
    }
    Ok(stored)
}

fn disks(call: &Call, sent: &BTreeMap<&str, &str>) -> Result<Vec<Disk>> {
    let read = |option: &str, value: &str, object: &Object| -> Result<Disk> {
        let parts = object.parse(option, value).map_err(ApiError::Failed)?;
        let volume = parts.get("volume").map(String::as_str).unwrap_or_default();
        let read = |state: &State| volumes::read(state, call.node(), &call.caller, volume);
        let requested = call.core.read(read)?;
        Ok(Disk {
            option: option.to_owned(),
            parts,
            requested,
        })
    };
    let mut disks = Vec::new();
    match sent.get("rootfs") {
        Some(value) => disks.push(read("rootfs", value, lxc::rootfs())?),
        None if sent.keys().any(|name| is_member(name, "mp")) => {
            return Err(ApiError::failed(
                "mount points configured, but 'rootfs' not set - aborting",
            ));
        }
        None => {
            let storage = call.params.get("storage").unwrap_or("local");
            disks.push(read("rootfs", &format!("{storage}:4"), lxc::rootfs())?);
        }
    }
    for (name, value) in sent.iter().filter(|(name, _)| is_member(name, "mp")) {
        disks.push(read(name, value, lxc::mount_point())?);
    }
    Ok(disks)
}

async fn work(run: Run, plan: Plan) -> std::result::Result<(), String> {
    let vmid = plan.vmid;
    match build(&run, &plan).await {
        Ok(()) => {
            start_if(&run, &plan.caller, vmid, plan.start);
            Ok(())
        }
        Err(problem) => {
            run.core.edit(|state| {
                state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
                state.remove_container(vmid);
            });
            Err(format!("unable to create CT {vmid} - {problem}"))
        }
    }
}

/// Starts a new container if `start` is set.
pub(crate) fn start_if(run: &Run, caller: &Caller, vmid: u32, start: bool) {
    if start {
        power::start_later(run, caller, vmid);
    }
}

async fn build(run: &Run, plan: &Plan) -> std::result::Result<(), String> {
    let source = run
        .core
        .read(|state| state.volume(&run.node, &plan.template).cloned());
    let source = source.ok_or_else(|| format!("volume '{}' does not exist", plan.template))?;
    run.check_disk_space()?;
    let disks = run.core.edit(|state| make_disks(run, state, plan))?;
    for (_, value) in &disks {
        let volume = value.split(',').next().unwrap_or_default();
        let name = volume.split_once(':').map_or(volume, |(_, name)| name);
        run.log(format!("  Logical volume \"{name}\" created."));
    }
    let file = source.name.trim_start_matches("vztmpl/");
    run.log(format!(
        "extracting archive '/var/lib/vz/template/cache/{file}'"
    ));
    run.pause(run.core.config.delays.create).await?;
    let mib = (source.size * 4) >> 20;
    run.log(format!("Total bytes read: {} ({mib}MiB)", source.size * 4));
    run.log("Detected container architecture: amd64");
    run.core.edit(|state| {
        let container = container_mut(state, &run.node, plan.vmid)?;
        fill_stub(container, plan, &source);
        container.options.extend(disks);
        Ok(())
    })
}

fn make_disks(
    run: &Run,
    state: &mut State,
    plan: &Plan,
) -> std::result::Result<Vec<(String, String)>, String> {
    let mut disks = Vec::new();
    for disk in &plan.disks {
        let object = if disk.option == "rootfs" {
            lxc::rootfs()
        } else {
            lxc::mount_point()
        };
        let mut parts = disk.parts.clone();
        if let VolumeRequest::New { storage, bytes } = &disk.requested {
            let requested = (storage.as_str(), *bytes);
            let id = volumes::allocate(state, &run.node, plan.vmid, requested)?;
            parts.insert("volume".into(), id);
            parts.insert("size".into(), crate::size::format(*bytes));
        }
        disks.push((disk.option.clone(), object.write(&parts)));
    }
    Ok(disks)
}

/// Replaces the stub's options with the planned ones. This removes the `create` lock.
fn fill_stub(container: &mut Container, plan: &Plan, source: &Volume) {
    container.options = plan.options.clone();
    let ostype = match &source.kind {
        Kind::Template { ostype } => ostype.clone(),
        Kind::Image(image) => image.ostype.clone(),
        _ => "unmanaged".into(),
    };
    container.options.entry("ostype".into()).or_insert(ostype);
    container.source = Some(match &source.kind {
        Kind::Image(image) => image.reference.clone(),
        _ => source.name.trim_start_matches("vztmpl/").to_owned(),
    });
    if let Kind::Image(image) = &source.kind {
        apply_image(container, image);
    }
}

/// Applies the settings of an OCI image, which override the requested options.
fn apply_image(container: &mut Container, image: &ImageSpec) {
    let env: Vec<String> = image
        .env
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    container.options.insert("cmode".into(), "console".into());
    container
        .options
        .insert("entrypoint".into(), image.entrypoint.clone());
    container.options.insert("env".into(), env.join("\0"));
    for (name, value) in &mut container.options {
        if !is_member(name, "net") {
            continue;
        }
        if let Ok(mut parts) = lxc::network().parse(name, value) {
            parts
                .entry("host-managed".into())
                .or_insert_with(|| "1".into());
            *value = lxc::network().write(&parts);
        }
    }
    container.raw = [
        ("lxc.init.uid", "0"),
        ("lxc.init.gid", "0"),
        ("lxc.init.groups", ""),
        ("lxc.init.cwd", "/"),
        ("lxc.signal.halt", "SIGQUIT"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec();
}
