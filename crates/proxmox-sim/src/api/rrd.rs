//! RRD statistics: one data point per step, as the round-robin databases of a node keep them.
//! Points from before the node's start have no values.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::volumes;
use crate::cluster::core::now;
use crate::cluster::usage;
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};

/// The number of data points.
const POINTS: u64 = 70;

/// Seconds between two points.
fn step(timeframe: &str) -> u64 {
    match timeframe {
        "hour" => 60,
        "day" => 1_800,
        "week" => 10_800,
        "month" => 43_200,
        "year" => 604_800,
        _ => 6_048_000,
    }
}

/// Data points up to now. Points before `since` (seconds since the Unix epoch) are empty.
fn points(call: &Call, since: u64, at: impl Fn(u64) -> Map<String, Value>) -> ApiResponse {
    let step = step(call.params.text("timeframe"));
    let last = now().as_secs() / step * step;
    let times = (0..POINTS).map(|index| last.saturating_sub((POINTS - 1 - index) * step));
    let points: Vec<Value> = times
        .map(|time| {
            let mut point = if time < since { Map::new() } else { at(time) };
            point.insert("time".into(), time.into());
            point.into()
        })
        .collect();
    Value::from(points).into()
}

/// `GET /nodes/{node}/rrddata`.
pub(crate) fn node(call: &Call) -> Result<ApiResponse> {
    let name = call.node();
    let node = call.core.node(name);
    let node = node.ok_or_else(|| ApiError::failed("no such node"))?;
    let since = now().saturating_sub(call.core.uptime(node)).as_secs();
    let (cpu, memory) = call.core.read(|state| usage::node_usage(state, node));
    Ok(points(call, since, |time| {
        let swing = 0.6 + 0.4 * usage::wave(node.cpus, time as f64);
        usage::members(json!({
            "cpu": cpu * swing, "maxcpu": node.cpus,
            "iowait": 0.0008, "loadavg": cpu * swing * f64::from(node.cpus),
            "memused": memory as f64 * swing, "memtotal": node.memory,
            "swapused": 0, "swaptotal": 0,
            "rootused": usage::root_used(node), "roottotal": node.disk,
            "netin": 2_310.0 * swing, "netout": 1_270.0 * swing,
        }))
    }))
}

/// `GET …/lxc/{vmid}/rrddata`. Fails until the node has broadcast the container's status once.
pub(crate) fn container(call: &Call) -> Result<ApiResponse> {
    let vmid = call.params.vmid();
    let broadcast_container = call.core.read(|state| {
        let is_broadcast = state.broadcast.containers.contains_key(&vmid);
        let container = super::container(state, call.node(), vmid).ok();
        container.filter(|_| is_broadcast).cloned()
    });
    let Some(container) = broadcast_container else {
        let message = format!(
            "RRD error: opening '/var/lib/rrdcached/db/pve-vm-9.0/{vmid}': \
             No such file or directory"
        );
        return Err(ApiError::Failed(message));
    };
    let usage = usage::container_usage(&container);
    let since = now()
        .saturating_sub(Duration::from_secs(usage.uptime))
        .as_secs();
    let cpus = call
        .core
        .node(&container.node)
        .map_or(1, |node| usage::cpu_count(&container, node));
    Ok(points(call, since, |time| {
        let swing = 0.6 + 0.4 * usage::wave(vmid, time as f64);
        usage::members(json!({
            "cpu": usage.cpu * swing, "maxcpu": cpus,
            "mem": usage.memory as f64 * swing, "maxmem": container.memory(),
            "disk": usage.disk, "maxdisk": container.disk(),
            "netin": 2_310.0 * swing, "netout": 1_270.0 * swing,
            "diskread": 6_930.0 * swing, "diskwrite": 2_540.0 * swing,
        }))
    }))
}

/// `GET …/storage/{storage}/rrddata`.
pub(crate) fn storage(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let storage = volumes::storage(state, call.params.text("storage"))?;
        let used = state.used(call.node(), storage);
        Ok(points(call, 0, |_| {
            usage::members(json!({ "used": used, "total": storage.total }))
        }))
    })
}
