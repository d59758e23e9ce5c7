//! `/nodes/{node}/lxc/{vmid}/config`: reading and changing a container's configuration.
//!
//! Changes to a stopped container apply immediately. On a running container some changes apply
//! immediately and the others become pending until the next start.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::snapshot::missing;
use super::with_address;
use crate::call::{ApiResponse, Call};
use crate::cluster::container::{Container, Pending, is_member};
use crate::cluster::lookup::{check_arch, check_lock, container};
use crate::cluster::state::State;
use crate::cluster::volumes::{self, VolumeRequest};
use crate::cluster::{dhcp, options};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::{boolean, lxc, named, text};
use crate::size;

/// One of these is required to change a configuration. The handler checks the individual options.
const VM_CONFIG: &[&str] = &[
    "VM.Config.Disk",
    "VM.Config.CPU",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
];

/// The changes that a `PUT …/config` requests.
struct Change<'a> {
    set: BTreeMap<&'a str, &'a str>,
    delete: Vec<&'a str>,
    revert: Vec<&'a str>,
}

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let path = "/nodes/{node}/lxc/{vmid}/config";
    let snapshot = text("snapshot").format(named::CONFIG_ID).length(0, 40);
    let version = with_address(vec![boolean("current"), snapshot]);
    vec![
        Route::new("GET", path, version, show).every("/vms/{vmid}", &["VM.Audit"]),
        Route::new("PUT", path, lxc::update(), update)
            .any("/vms/{vmid}", VM_CONFIG)
            .locking(),
    ]
}

/// `GET …/config`. Without `current`, pending values are returned instead of the active ones. With
/// `snapshot`, the configuration at the time of the snapshot is returned.
fn show(call: &Call) -> Result<ApiResponse> {
    let (vmid, current) = (call.params.vmid(), call.params.flag("current"));
    let snapshot = call.params.get("snapshot");
    if snapshot.is_some() && current {
        let message = "cannot use 'snapshot' parameter with 'current'";
        let problem = |name: &str| (name.to_owned(), message.to_owned());
        let problems = ["snapshot", "current"].map(problem);
        return Err(ApiError::Parameters(problems.into()));
    }
    call.core.read(|state| {
        let container = container(state, call.node(), vmid)?;
        match snapshot {
            Some(name) => snapshot_json(container, name).map(ApiResponse::from),
            None => Ok(container.to_json(!current).into()),
        }
    })
}

/// The configuration at the time of a snapshot. The digest is that of the current configuration.
fn snapshot_json(container: &Container, name: &str) -> Result<Value> {
    let snapshot = container.snapshots.get(name);
    let mut members = snapshot.ok_or_else(|| missing(name))?.to_json();
    if !container.raw.is_empty() {
        members.insert("lxc".into(), json!(container.raw));
    }
    members.insert("digest".into(), container.digest().into());
    Ok(Value::Object(members))
}

/// `PUT …/config`. Synchronous: no task.
fn update(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let is_option = |(name, _): &(&str, &str)| lxc::config().find(name).is_some();
    let list = |name| {
        params
            .get(name)
            .map(split_list)
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    let change = Change {
        set: params.iter().filter(is_option).collect(),
        delete: list("delete"),
        revert: list("revert"),
    };
    check_change(&change)?;
    let vmid = params.vmid();
    call.core.edit(|state| {
        let current = container(state, call.node(), vmid)?;
        check_digest(call, current)?;
        check_lock(current)?;
        options::check_rights(
            &call.caller,
            &change.set,
            Some(current),
            current.flag("unprivileged"),
        )?;
        check_protection(current, &change)?;
        apply(call, state, &change)?;
        dhcp::lease_addresses(&call.core, state, vmid);
        // As on a real node, the change is saved even if this check fails.
        check_arch(container(state, call.node(), vmid)?)?;
        Ok(ApiResponse::null())
    })
}

/// Fails if the configuration has changed since the caller read it.
pub(crate) fn check_digest(call: &Call, container: &Container) -> Result<()> {
    match call
        .params
        .get("digest")
        .filter(|digest| !digest.is_empty())
    {
        Some(digest) if digest != container.digest() => Err(ApiError::failed(
            "detected modified configuration - file changed by other user? Try again.",
        )),
        _ => Ok(()),
    }
}

/// Checks that do not depend on the container.
fn check_change(change: &Change<'_>) -> Result<()> {
    if change.set.is_empty() && change.delete.is_empty() && change.revert.is_empty() {
        return Err(ApiError::failed("no options specified"));
    }
    for name in &change.delete {
        if lxc::config().find(name).is_none() {
            return Err(ApiError::parameter(
                "delete",
                format!("unknown option '{name}'"),
            ));
        }
        if change.set.contains_key(name) {
            let problem = format!("you can't use '-{name}' and -delete {name}' at the same time");
            return Err(ApiError::parameter("delete", problem));
        }
    }
    for name in change.delete.iter().chain(change.set.keys()) {
        if *name == "unprivileged" {
            return Err(ApiError::failed(
                "unable to modify read-only option: 'unprivileged'",
            ));
        }
    }
    if let Some(name) = change
        .delete
        .iter()
        .find(|n| ["memory", "rootfs", "ostype"].contains(n))
    {
        return Err(ApiError::Failed(format!(
            "unable to delete required option '{name}'"
        )));
    }
    Ok(())
}

fn is_disk(name: &str) -> bool {
    name == "rootfs" || is_member(name, "mp")
}

fn check_protection(container: &Container, change: &Change<'_>) -> Result<()> {
    if !container.flag("protection") {
        return Ok(());
    }
    let present = change
        .delete
        .iter()
        .filter(|name| container.options.contains_key(**name));
    let mut touched = change.set.keys().chain(present);
    match touched.find(|name| is_disk(name) || is_member(name, "unused")) {
        Some(name) => Err(ApiError::Failed(format!(
            "can't update CT {} drive '{name}' - protection mode enabled",
            container.vmid
        ))),
        None => Ok(()),
    }
}

/// Whether a change applies to a running container. New mount points do, changes to existing ones
/// do not.
fn applies_at_once(container: &Container, name: &str) -> bool {
    const AT_ONCE: [&str; 12] = [
        "description",
        "onboot",
        "startup",
        "protection",
        "hostname",
        "hookscript",
        "cores",
        "tags",
        "lock",
        "cpulimit",
        "cpuunits",
        "template",
    ];
    !container.is_running()
        || AT_ONCE.contains(&name)
        || matches!(name, "memory" | "swap")
        || is_member(name, "net")
        || is_member(name, "unused")
        || (is_member(name, "mp") && !container.options.contains_key(name))
}

fn apply(call: &Call, state: &mut State, change: &Change<'_>) -> Result<()> {
    let vmid = call.params.vmid();
    // Normalizes all values before the first one is written.
    let mut values = Vec::new();
    for (name, value) in &change.set {
        let stored = if is_disk(name) {
            disk_value(call, state, (name, value))?
        } else {
            options::normalize(name, value)?
        };
        values.push((*name, stored));
    }
    let Some(container) = state.containers.get_mut(&vmid) else {
        return Ok(());
    };
    for name in &change.revert {
        container.pending.remove(*name);
    }
    let mut freed = Vec::new();
    for name in &change.delete {
        if applies_at_once(container, name) {
            container.pending.remove(*name);
            freed.extend(remove_option(container, name));
        } else if container.options.contains_key(*name) {
            container
                .pending
                .insert((*name).to_owned(), Pending::Delete);
        } else {
            container.pending.remove(*name);
        }
    }
    for (name, value) in values {
        set_option(container, name, value);
    }
    state.remove_volumes(|volume| freed.contains(&volume.id()));
    Ok(())
}

fn set_option(container: &mut Container, name: &str, value: String) {
    let unchanged = container.option(name) == Some(value.as_str());
    container.pending.remove(name);
    if unchanged {
        return;
    }
    if !applies_at_once(container, name) {
        container
            .pending
            .insert(name.to_owned(), Pending::Set(value));
        return;
    }
    if is_member(name, "mp") {
        add_unused(container, name);
    }
    if is_member(name, "net") {
        container.leases.remove(name);
    }
    container.options.insert(name.to_owned(), value);
}

/// Removes an option. The volume of a mount point becomes unused. The volume of an `unused` option
/// is returned so that the caller destroys it.
fn remove_option(container: &mut Container, name: &str) -> Option<String> {
    if is_member(name, "mp") {
        add_unused(container, name);
    }
    container.leases.remove(name);
    container
        .options
        .remove(name)
        .filter(|_| is_member(name, "unused"))
}

/// Records the volume of a mount point as `unusedN`.
fn add_unused(container: &mut Container, name: &str) {
    let Some(value) = container.option(name) else {
        return;
    };
    let volume = value.split(',').next().unwrap_or_default().to_owned();
    let free = (0..256).map(|index| format!("unused{index}"));
    let slot = free
        .into_iter()
        .find(|slot| !container.options.contains_key(slot));
    if let Some(slot) = slot.filter(|_| volume.contains(':')) {
        container.options.insert(slot, volume);
    }
}

/// The value of a disk option. Allocates a disk if a mount point requests a new one. A new `rootfs`
/// is stored unchanged and without a disk, as observed on a real node.
fn disk_value(call: &Call, state: &mut State, (name, value): (&str, &str)) -> Result<String> {
    let object = if name == "rootfs" {
        lxc::rootfs()
    } else {
        lxc::mount_point()
    };
    let mut parts = object.parse(name, value).map_err(ApiError::Failed)?;
    let volume = parts.get("volume").map(String::as_str).unwrap_or_default();
    let requested = volumes::read(state, call.node(), &call.caller, volume)?;
    if let (VolumeRequest::New { storage, bytes }, true) = (requested, is_member(name, "mp")) {
        let vmid = call.params.vmid();
        let id = volumes::allocate(state, call.node(), vmid, (&storage, bytes))?;
        parts.insert("volume".into(), id);
        parts.insert("size".into(), size::format(bytes));
    }
    Ok(object.write(&parts))
}
