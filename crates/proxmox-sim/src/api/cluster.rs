//! `/cluster`.

mod backup;
mod config;
mod firewall;
mod ha;
mod log;
mod metrics;
mod nextid;
mod options;
mod replication;
pub(super) mod resources;
mod sdn;
mod status;
mod tasks;

use crate::api::index_entries;
use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;

/// The routes of this level and below.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![Route::new("GET", "/cluster", vec![], index)];
    routes.extend(backup::routes());
    routes.extend(config::routes());
    routes.extend(firewall::routes());
    routes.extend(ha::routes());
    routes.extend(log::routes());
    routes.extend(metrics::routes());
    routes.extend(nextid::routes());
    routes.extend(options::routes());
    routes.extend(replication::routes());
    routes.extend(resources::routes());
    routes.extend(sdn::routes());
    routes.extend(status::routes());
    routes.extend(tasks::routes());
    routes
}

/// `GET /cluster`.
fn index(_: &Call) -> Result<ApiResponse> {
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
    Ok(index_entries("name", &NAMES))
}
