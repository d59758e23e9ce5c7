//! `POST /nodes/{node}/lxc`: creating containers.
//!
//! Checked before the task starts: parameters, privileges, VMID, storages and the format of the
//! template's volume ID. The task checks whether the template exists and does everything that takes
//! time. Until the task ends the container is a stub with the lock `create`.

use std::collections::BTreeMap;

use super::restore;
use crate::access::auth::{has_privilege, require_privilege};
use crate::call::{ApiResponse, Call};
use crate::cluster::container::{Container, is_member};
use crate::cluster::lookup::check_vmid;
use crate::cluster::state::State;
use crate::cluster::{options, volumes};
use crate::error::{ApiError, Result};
use crate::schema::lxc;
use crate::schema::object::Object;
use crate::tasks;
use crate::tasks::create::{self, Disk, Plan};

/// `POST /nodes/{node}/lxc`.
pub(super) fn create(call: &Call) -> Result<ApiResponse> {
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
            create::work(run, plan)
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
