//! CPU, memory and disk usage: plausible, slowly changing values that are not stored. Also the
//! status broadcast between nodes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::clock::now;
use crate::cluster::container::{Container, Power};
use crate::cluster::core::Core;
use crate::cluster::state::State;
use crate::config::NodeSpec;

/// The current usage of a container.
pub(crate) struct Usage {
    /// CPU usage as a fraction of its CPUs, 0 to 1.
    pub(crate) cpu: f64,
    /// Memory in bytes.
    pub(crate) memory: u64,
    /// Disk usage in bytes.
    pub(crate) disk: u64,
    /// Uptime in seconds.
    pub(crate) uptime: u64,
    /// Received and sent bytes.
    pub(crate) network: (u64, u64),
    /// PID of the init process; `None` if stopped.
    pub(crate) pid: Option<u32>,
}

/// A value between 0 and 1 that oscillates slowly. Each seed has its own period.
pub(crate) fn wave(seed: u32, time: f64) -> f64 {
    let phase = f64::from(seed % 97);
    let slow = (time / (181.0 + phase) + phase).sin();
    let quick = (time / (23.0 + phase / 9.0) + phase * 1.7).sin();
    0.5 + 0.35 * slow + 0.15 * quick
}

fn share(total: u64, part: f64) -> u64 {
    (total as f64 * part) as u64
}

/// The current usage of a container.
pub(crate) fn container_usage(container: &Container) -> Usage {
    let Power::Running { since, pid } = container.power else {
        return Usage {
            cpu: 0.0,
            memory: 0,
            disk: 0,
            uptime: 0,
            network: (0, 0),
            pid: None,
        };
    };
    let time = now();
    let uptime = time.saturating_sub(Duration::from_millis(since)).as_secs();
    let level = wave(container.vmid, time.as_secs_f64());
    // CPU usage is high after a start, and memory fills up during the first minute.
    let settled = (uptime as f64 / 60.0).min(1.0);
    let growth = (uptime as f64 / 86_400.0).min(30.0) / 30.0;
    Usage {
        cpu: (0.02 + 0.12 * level * level + 0.35 * (1.0 - settled)).min(1.0),
        memory: share(container.memory(), 0.08 + settled * (0.12 + 0.25 * level)),
        disk: share(container.disk(), 0.14 + 0.2 * growth),
        uptime,
        network: (uptime * 2_310, uptime * 1_270),
        pid: Some(pid),
    }
}

/// The current usage of a node: CPU as a fraction and memory in bytes.
pub(crate) fn node_usage(state: &State, node: &NodeSpec) -> (f64, u64) {
    let seed = node.name.bytes().map(u32::from).sum();
    let level = wave(seed, now().as_secs_f64());
    let containers = state
        .containers
        .values()
        .filter(|container| container.node == node.name);
    let (cpu, memory) = containers.fold((0.0, 0), |(cpu, memory), container| {
        let usage = container_usage(container);
        let cores = f64::from(cpu_count(container, node));
        (
            cpu + usage.cpu * cores / f64::from(node.cpus),
            memory + usage.memory,
        )
    });
    let base = share(node.memory, 0.07 + 0.02 * level);
    (
        (0.01 + 0.03 * level + cpu).min(1.0),
        (base + memory).min(node.memory),
    )
}

/// The number of CPUs that a container may use.
pub(crate) fn cpu_count(container: &Container, node: &NodeSpec) -> u32 {
    let cores = container
        .number("cores")
        .and_then(|cores| u32::try_from(cores).ok());
    cores.unwrap_or(node.cpus).min(node.cpus)
}

/// Used bytes of a node's root file system.
pub(crate) fn root_used(node: &NodeSpec) -> u64 {
    share(node.disk, 0.11)
}

/// The broadcast status of a node.
fn node_status(core: &Core, state: &State, node: &NodeSpec) -> Map<String, Value> {
    let (cpu, memory) = node_usage(state, node);
    members(json!({
        "cpu": cpu,
        "maxcpu": node.cpus,
        "mem": memory,
        "maxmem": node.memory,
        "disk": root_used(node),
        "maxdisk": node.disk,
        "uptime": core.uptime(node).as_secs(),
        "status": "online",
        "level": "",
        "cgroup-mode": 2,
    }))
}

/// The broadcast status of a container.
fn container_status(container: &Container, node: &NodeSpec) -> Map<String, Value> {
    let usage = container_usage(container);
    members(json!({
        "name": container.name(),
        "status": if container.is_running() { "running" } else { "stopped" },
        "template": u8::from(container.flag("template")),
        "cpu": usage.cpu,
        "maxcpu": cpu_count(container, node),
        "mem": usage.memory,
        "memhost": usage.memory,
        "maxmem": container.memory(),
        "disk": usage.disk,
        "maxdisk": container.disk(),
        "uptime": usage.uptime,
        "netin": usage.network.0,
        "netout": usage.network.1,
        "diskread": usage.network.0 * 3,
        "diskwrite": usage.network.1 * 2,
    }))
}

pub(crate) fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Updates the broadcast status of all nodes and containers.
pub(crate) fn broadcast(core: &Core) {
    core.edit_transient(|state| {
        let mut broadcast = std::mem::take(&mut state.broadcast);
        broadcast
            .containers
            .retain(|vmid, _| state.containers.contains_key(vmid));
        for node in &core.config.scenario.nodes {
            let offline = state.offline.contains(&node.name);
            if offline {
                let status = members(json!({ "status": "offline", "level": "" }));
                broadcast.nodes.insert(node.name.clone(), status);
            } else {
                broadcast
                    .nodes
                    .insert(node.name.clone(), node_status(core, state, node));
            }
            for container in state.containers.values().filter(|c| c.node == node.name) {
                if offline {
                    broadcast.containers.remove(&container.vmid);
                } else {
                    broadcast
                        .containers
                        .insert(container.vmid, container_status(container, node));
                }
            }
        }
        state.broadcast = broadcast;
    });
}

/// Broadcasts until the simulator stops.
pub(crate) async fn broadcast_loop(core: Arc<Core>) {
    loop {
        let pause = core.at_speed(core.config.broadcast);
        tokio::select! {
            () = core.shutdown.cancelled() => return,
            () = tokio::time::sleep(pause.max(Duration::from_millis(1))) => broadcast(&core),
        }
    }
}
