//! `/nodes/{node}/status`.

use serde_json::json;

use crate::call::{ApiResponse, Call};
use crate::cluster::usage;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::lxc;

const KERNEL: &str = "6.14.11-4-pve";

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/nodes/{node}/status", vec![lxc::node()], status)
            .every("/nodes/{node}", &["Sys.Audit"]),
    ]
}

/// `GET /nodes/{node}/status`.
fn status(call: &Call) -> Result<ApiResponse> {
    let name = call.node();
    let node = call
        .core
        .node(name)
        .ok_or_else(|| ApiError::failed("no such node"))?;
    let (cpu, memory) = call.core.read(|state| usage::node_usage(state, node));
    let load = cpu * f64::from(node.cpus);
    let loads: Vec<String> = [1.0, 0.94, 0.9]
        .iter()
        .map(|f| format!("{:.2}", load * f))
        .collect();
    let used = usage::root_used(node);
    Ok(json!({
        "cpu": cpu,
        "wait": 0.0008,
        "idle": 0,
        "uptime": call.core.uptime(node).as_secs(),
        "loadavg": loads,
        "pveversion": "pve-manager/9.2.11/14a22df35955",
        "kversion": format!("Linux {KERNEL} #1 SMP PREEMPT_DYNAMIC PMX"),
        "current-kernel": {
            "sysname": "Linux",
            "release": KERNEL,
            "version": "#1 SMP PREEMPT_DYNAMIC PMX",
            "machine": "x86_64",
        },
        "boot-info": { "mode": "efi", "secureboot": 0 },
        "ksm": { "shared": 0 },
        "cpuinfo": {
            "model": "AMD EPYC", "vendor": "AuthenticAMD", "family": "26", "mhz": "2596.122",
            "sockets": 1, "cores": node.cpus / 2, "cpus": node.cpus, "hvm": "1", "flags": "",
            "user_hz": 100,
        },
        "memory": {
            "total": node.memory, "used": memory,
            "free": node.memory - memory, "available": node.memory - memory,
        },
        "swap": { "total": 0, "used": 0, "free": 0 },
        "rootfs": {
            "total": node.disk, "used": used, "free": node.disk - used, "avail": node.disk - used,
        },
    })
    .into())
}
