//! `/nodes/{node}`.

mod aplinfo;
mod config;
mod dns;
mod firewall;
mod hosts;
mod lxc;
mod netstat;
mod network;
mod query_oci_repo_tags;
mod query_url_metadata;
mod rrddata;
mod sdn;
mod services;
mod startall;
mod status;
mod stopall;
mod storage;
mod subscription;
mod tasks;
mod termproxy;
mod time;
mod version;
mod vncwebsocket;
mod vzdump;

use crate::api::index_entries;
use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;
use crate::schema::{Property, lxc as lxc_schema};

/// The routes of this level and below.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![Route::new(
        "GET",
        "/nodes/{node}",
        vec![lxc_schema::node()],
        index,
    )];
    routes.extend(aplinfo::routes());
    routes.extend(config::routes());
    routes.extend(dns::routes());
    routes.extend(firewall::routes());
    routes.extend(hosts::routes());
    routes.extend(lxc::routes());
    routes.extend(netstat::routes());
    routes.extend(network::routes());
    routes.extend(query_oci_repo_tags::routes());
    routes.extend(query_url_metadata::routes());
    routes.extend(rrddata::routes());
    routes.extend(sdn::routes());
    routes.extend(services::routes());
    routes.extend(startall::routes());
    routes.extend(status::routes());
    routes.extend(stopall::routes());
    routes.extend(storage::routes());
    routes.extend(subscription::routes());
    routes.extend(tasks::routes());
    routes.extend(termproxy::routes());
    routes.extend(time::routes());
    routes.extend(version::routes());
    routes.extend(vncwebsocket::routes());
    routes.extend(vzdump::routes());
    routes
}

/// Adds the node of the path to the properties.
pub(crate) fn with_node(more: Vec<Property>) -> Vec<Property> {
    std::iter::once(lxc_schema::node()).chain(more).collect()
}

/// `GET /nodes/{node}`: only the subdirectories that are simulated.
fn index(_: &Call) -> Result<ApiResponse> {
    const NAMES: [&str; 24] = [
        "aplinfo",
        "config",
        "dns",
        "firewall",
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
    Ok(index_entries("name", &NAMES))
}
