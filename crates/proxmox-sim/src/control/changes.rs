//! `/changes`: changes to containers that bypass the API, as if made outside Holdfast.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, Refusal, Shared, read, wire};
use crate::config::ContainerSpec;
use crate::handle::Handle;
use crate::schema::{format, lxc};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Change {
    Make(NewContainer),
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
            Self::Make(make) => make.vmid,
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
    if !matches!(change, Change::Make(_)) && handle.container(vmid).is_none() {
        return Err(Refusal::Missing(format!("there is no container {vmid}")));
    }
    match change {
        Change::Make(make) => add(&handle, make)?,
        Change::Delete { .. } => drop(handle.remove_container(vmid)),
        Change::Move { node, .. } => {
            check_node(&handle, &node)?;
            handle.move_container(vmid, &node);
        }
        Change::Rename { hostname, .. } => {
            format::dns_name(&hostname).map_err(Refusal::Wrong)?;
            handle.rename_container(vmid, &hostname);
        }
        Change::Stop { .. } => {
            if !handle.stop_container(vmid) {
                return Err(Refusal::Conflict(format!(
                    "container {vmid} is not running"
                )));
            }
        }
        Change::Lock { reason, .. } => {
            if !lxc::LOCKS.contains(&reason.as_str()) {
                let message = format!("`{reason}` is none of {}", lxc::LOCKS.join(", "));
                return Err(Refusal::Wrong(message));
            }
            handle.set_lock(vmid, Some(&reason));
        }
        Change::Unlock { .. } => drop(handle.set_lock(vmid, None)),
        Change::HoldLock { ms, .. } => {
            let time = wire::time(ms).map_err(Refusal::Wrong)?;
            if !handle.hold_lock(vmid, time).await {
                let message = format!("the lock of container {vmid} is held already");
                return Err(Refusal::Conflict(message));
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
    Err(Refusal::Missing(format!("there is no node {node}")))
}

fn add(handle: &Handle, make: NewContainer) -> Outcome<()> {
    check_node(handle, &make.node)?;
    format::dns_name(&make.hostname).map_err(Refusal::Wrong)?;
    let net0 = make.net0.unwrap_or_else(|| default_network(make.vmid));
    let parsed = lxc::network().parse("net0", &net0);
    parsed.map_err(|problem| Refusal::Wrong(format!("net0: {}", problem.trim_end())))?;
    if !(100..1_000_000_000).contains(&make.vmid) {
        return Err(Refusal::Wrong(format!(
            "{} is no number of a container",
            make.vmid
        )));
    }
    if make.cores == 0 || make.memory == 0 || !(1..=1 << 20).contains(&make.disk) {
        return Err(Refusal::Wrong(
            "cores, memory and disk are at least 1".into(),
        ));
    }
    let vmid = make.vmid;
    let spec = ContainerSpec {
        vmid,
        node: make.node,
        hostname: make.hostname,
        cores: make.cores,
        memory: make.memory,
        disk: make.disk,
        net0,
        running: make.running,
    };
    if handle.add_container(&spec) {
        return Ok(());
    }
    Err(Refusal::Conflict(format!(
        "there is a container {vmid} already"
    )))
}
