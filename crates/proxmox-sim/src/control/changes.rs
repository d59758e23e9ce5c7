//! `/changes`: changes to containers that bypass the API, as if made outside Holdfast.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ControlError, Outcome, Shared, read, wire};
use crate::config::ContainerSpec;
use crate::handle::Handle;
use crate::schema::{format, lxc};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Change {
    Create(NewContainer),
    Delete { vmid: u32 },
    Move { vmid: u32, node: String },
    Rename { vmid: u32, hostname: String },
    Stop { vmid: u32 },
    Lock { vmid: u32, reason: String },
    Unlock { vmid: u32 },
    HoldLock { vmid: u32, ms: u64 },
}

/// A container to create.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewContainer {
    vmid: u32,
    node: String,
    hostname: String,
    net0: Option<String>,
    #[serde(default = "default_cores")]
    cores: u32,
    /// MiB.
    #[serde(default = "default_memory")]
    memory: u64,
    /// GiB.
    #[serde(default = "default_disk")]
    disk: u64,
    #[serde(default)]
    running: bool,
}

/// A DHCP interface with a MAC address that is derived from the VMID.
fn default_network(vmid: u32) -> String {
    let [_, high, middle, low] = vmid.to_be_bytes();
    let mac = format!("BC:24:11:{high:02X}:{middle:02X}:{low:02X}");
    format!("name=eth0,bridge=vmbr0,hwaddr={mac},ip=dhcp,type=veth")
}

fn default_cores() -> u32 {
    1
}

fn default_memory() -> u64 {
    512
}

fn default_disk() -> u64 {
    4
}

impl Change {
    fn vmid(&self) -> u32 {
        match self {
            Self::Create(new) => new.vmid,
            Self::Delete { vmid }
            | Self::Move { vmid, .. }
            | Self::Rename { vmid, .. }
            | Self::Stop { vmid }
            | Self::Lock { vmid, .. }
            | Self::Unlock { vmid }
            | Self::HoldLock { vmid, .. } => *vmid,
        }
    }
}

/// `POST /changes`. Returns the changed container, or null.
pub(super) async fn change(
    State(handle): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome<Json<Value>> {
    let change = read::<Change>(&headers, &body)?;
    let vmid = change.vmid();
    if !matches!(change, Change::Create(_)) && handle.container(vmid).is_none() {
        return Err(ControlError::NotFound(format!(
            "container {vmid} does not exist"
        )));
    }
    match change {
        Change::Create(new) => add(&handle, new)?,
        Change::Delete { .. } => drop(handle.remove_container(vmid)),
        Change::Move { node, .. } => {
            check_node(&handle, &node)?;
            handle.move_container(vmid, &node);
        }
        Change::Rename { hostname, .. } => {
            format::dns_name(&hostname).map_err(ControlError::Invalid)?;
            handle.rename_container(vmid, &hostname);
        }
        Change::Stop { .. } => {
            if !handle.stop_container(vmid) {
                return Err(ControlError::Conflict(format!(
                    "container {vmid} is not running"
                )));
            }
        }
        Change::Lock { reason, .. } => {
            if !lxc::LOCKS.contains(&reason.as_str()) {
                let message = format!("lock `{reason}` is not one of {}", lxc::LOCKS.join(", "));
                return Err(ControlError::Invalid(message));
            }
            handle.set_lock(vmid, Some(&reason));
        }
        Change::Unlock { .. } => drop(handle.set_lock(vmid, None)),
        Change::HoldLock { ms, .. } => {
            let time = wire::time(ms).map_err(ControlError::Invalid)?;
            if !handle.hold_lock(vmid, time).await {
                let message = format!("the configuration of container {vmid} is already locked");
                return Err(ControlError::Conflict(message));
            }
        }
    }
    let now = handle.container(vmid).as_ref().map(wire::container);
    Ok(Json(json!({ "container": now })))
}

fn check_node(handle: &Handle, node: &str) -> Outcome<()> {
    if handle.has_node(node) {
        return Ok(());
    }
    Err(ControlError::NotFound(format!(
        "node {node} does not exist"
    )))
}

fn add(handle: &Handle, new: NewContainer) -> Outcome<()> {
    check_node(handle, &new.node)?;
    format::dns_name(&new.hostname).map_err(ControlError::Invalid)?;
    let net0 = new.net0.unwrap_or_else(|| default_network(new.vmid));
    let parsed = lxc::network().parse("net0", &net0);
    parsed.map_err(|problem| ControlError::Invalid(format!("net0: {}", problem.trim_end())))?;
    if !(100..1_000_000_000).contains(&new.vmid) {
        return Err(ControlError::Invalid(format!(
            "{} is not a valid VMID",
            new.vmid
        )));
    }
    if new.cores == 0 || new.memory == 0 || !(1..=1 << 20).contains(&new.disk) {
        return Err(ControlError::Invalid(
            "cores, memory and disk must be at least 1".into(),
        ));
    }
    let vmid = new.vmid;
    let spec = ContainerSpec {
        vmid,
        node: new.node,
        hostname: new.hostname,
        cores: new.cores,
        memory: new.memory,
        disk: new.disk,
        net0,
        running: new.running,
    };
    if handle.add_container(&spec) {
        return Ok(());
    }
    Err(ControlError::Conflict(format!(
        "container {vmid} already exists"
    )))
}
