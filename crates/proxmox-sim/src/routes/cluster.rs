//! Routes of `/cluster`, `/nodes` and `/version`.

use super::Route;
use crate::api::{access, cluster, datacenter, index, tasks};
use crate::schema::{boolean, choice, integer, lxc, named, text};

const AUDIT: &[&str] = &["Sys.Audit"];

/// All routes of this module.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = status_routes();
    routes.extend(option_routes());
    routes
}

fn status_routes() -> Vec<Route> {
    let kinds = choice("type", &["vm", "storage", "node", "sdn"]);
    let number = vec![lxc::vmid("vmid")];
    let log = vec![integer("max").min(1)];
    vec![
        Route::new("GET", "/version", vec![], access::version),
        Route::new("GET", "/nodes", vec![], cluster::nodes),
        Route::new("GET", "/cluster", vec![], index::cluster),
        Route::new("GET", "/cluster/status", vec![], cluster::status).every("/", AUDIT),
        Route::new("GET", "/cluster/resources", vec![kinds], cluster::resources),
        Route::new("GET", "/cluster/nextid", number, cluster::next_id),
        Route::new("GET", "/cluster/tasks", vec![], tasks::recent),
        Route::new("GET", "/cluster/log", log, datacenter::log),
    ]
}

fn option_routes() -> Vec<Route> {
    let join = vec![text("node").format(named::NODE)];
    let kind = vec![choice("type", &["ct", "vm"])];
    let zones = ["evpn", "faucet", "qinq", "simple", "vlan", "vxlan"];
    let pending = || vec![boolean("pending"), boolean("running")];
    let mut zone = pending();
    zone.push(choice("type", &zones));
    let empty = datacenter::empty_list;
    vec![
        Route::new("GET", "/cluster/options", vec![], datacenter::options),
        Route::new("GET", "/cluster/config", vec![], index::cluster_config).every("/", AUDIT),
        Route::new("GET", "/cluster/config/nodes", vec![], datacenter::members).every("/", AUDIT),
        Route::new("GET", "/cluster/config/join", join, datacenter::join).every("/", AUDIT),
        Route::new("GET", "/cluster/backup", vec![], empty).every("/", AUDIT),
        Route::new("GET", "/cluster/replication", vec![], empty),
        Route::new("GET", "/cluster/ha/resources", kind, empty).every("/", AUDIT),
        Route::new(
            "GET",
            "/cluster/ha/status/current",
            vec![],
            datacenter::availability,
        )
        .every("/", AUDIT),
        Route::new("GET", "/cluster/sdn/vnets", pending(), empty),
        Route::new("GET", "/cluster/sdn/zones", zone, empty),
        Route::new("GET", "/cluster/metrics/server", vec![], empty).every("/", AUDIT),
    ]
}
