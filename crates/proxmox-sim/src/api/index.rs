//! Index handlers: they return the names of the subdirectories of a path.

use serde_json::{Value, json};

use super::container;
use crate::error::Result;
use crate::routes::{ApiResponse, Call};

fn parts(key: &str, names: &[&str]) -> ApiResponse {
    let part = |name: &&str| json!({ key: name });
    Value::from(names.iter().map(part).collect::<Vec<_>>()).into()
}

/// `GET /cluster`.
pub(crate) fn cluster(_: &Call) -> Result<ApiResponse> {
    const NAMES: [&str; 21] = [
        "acme",
        "backup",
        "backup-info",
        "bulk-action",
        "ceph",
        "config",
        "firewall",
        "ha",
        "jobs",
        "log",
        "mapping",
        "metrics",
        "notifications",
        "nextid",
        "options",
        "qemu",
        "replication",
        "resources",
        "status",
        "tasks",
        "sdn",
    ];
    Ok(parts("name", &NAMES))
}

/// `GET /cluster/config`.
pub(crate) fn cluster_config(_: &Call) -> Result<ApiResponse> {
    let names = ["nodes", "totem", "join", "qdevice", "apiversion"];
    Ok(parts("name", &names))
}

/// `GET /nodes/{node}`: only the subdirectories that are simulated.
pub(crate) fn node(_: &Call) -> Result<ApiResponse> {
    const NAMES: [&str; 23] = [
        "aplinfo",
        "config",
        "dns",
        "hosts",
        "lxc",
        "netstat",
        "network",
        "query-oci-repo-tags",
        "query-url-metadata",
        "rrddata",
        "sdn",
        "services",
        "startall",
        "status",
        "stopall",
        "storage",
        "subscription",
        "tasks",
        "termproxy",
        "time",
        "version",
        "vncwebsocket",
        "vzdump",
    ];
    Ok(parts("name", &NAMES))
}

/// `GET /nodes/{node}/sdn`.
pub(crate) fn node_sdn(_: &Call) -> Result<ApiResponse> {
    Ok(parts("name", &["fabrics", "vnets", "zones"]))
}

/// `GET /nodes/{node}/storage/{storage}`.
pub(crate) fn storage(_: &Call) -> Result<ApiResponse> {
    const NAMES: [&str; 5] = [
        "content",
        "download-url",
        "oci-registry-pull",
        "rrddata",
        "status",
    ];
    Ok(parts("subdir", &NAMES))
}

fn container_index(call: &Call, names: &[&str]) -> Result<ApiResponse> {
    let vmid = call.params.vmid();
    call.core
        .read(|state| container(state, call.node(), vmid).map(drop))?;
    Ok(parts("subdir", names))
}

/// `GET /nodes/{node}/lxc/{vmid}`.
pub(crate) fn lxc(call: &Call) -> Result<ApiResponse> {
    const NAMES: [&str; 12] = [
        "config",
        "pending",
        "status",
        "vncproxy",
        "termproxy",
        "vncwebsocket",
        "migrate",
        "clone",
        "rrddata",
        "snapshot",
        "resize",
        "interfaces",
    ];
    container_index(call, &NAMES)
}

/// `GET /nodes/{node}/lxc/{vmid}/status`.
pub(crate) fn lxc_status(call: &Call) -> Result<ApiResponse> {
    let names = ["current", "start", "stop", "shutdown", "reboot", "migrate"];
    container_index(call, &names)
}
