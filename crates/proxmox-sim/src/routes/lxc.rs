//! Routes for the configuration, power state and consoles of containers.

use super::nodes::{console_parameters, rrd_parameters};
use super::{Route, with_address};
use crate::api::{config, console, create, destroy, index, node, power, rrd, suspend};
use crate::schema::{Property, boolean, disk, integer, lxc, named, text};

/// One of these is required to change a configuration. The handler checks the individual options.
const VM_CONFIG: &[&str] = &[
    "VM.Config.Disk",
    "VM.Config.CPU",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
];

const VMS: &str = "/vms/{vmid}";

/// All routes of this module.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = container_routes();
    routes.extend(power_routes());
    routes.extend(index_routes());
    routes.extend(console_routes());
    routes
}

fn index_routes() -> Vec<Route> {
    let item = "/nodes/{node}/lxc/{vmid}";
    let status = "/nodes/{node}/lxc/{vmid}/status";
    let rrd_path = "/nodes/{node}/lxc/{vmid}/rrddata";
    let rrd = with_address(rrd_parameters(&["hour", "day", "week", "month", "year"]));
    vec![
        Route::new("GET", item, lxc::address(), index::lxc),
        Route::new("GET", status, lxc::address(), index::lxc_status),
        Route::new("GET", rrd_path, rrd, rrd::container).every(VMS, &["VM.Audit"]),
    ]
}

fn console_routes() -> Vec<Route> {
    let terminal = "/nodes/{node}/lxc/{vmid}/termproxy";
    let screen = "/nodes/{node}/lxc/{vmid}/vncproxy";
    let connect = "/nodes/{node}/lxc/{vmid}/vncwebsocket";
    let console: &[&str] = &["VM.Console"];
    let size = with_address(vec![
        boolean("websocket"),
        integer("width").min(16).max(4096),
        integer("height").min(16).max(2160),
    ]);
    vec![
        Route::new("POST", terminal, lxc::address(), console::terminal).every(VMS, console),
        Route::new("POST", screen, size, console::screen).every(VMS, console),
        Route::new(
            "GET",
            connect,
            with_address(console_parameters()),
            console::connect,
        )
        .every(VMS, console),
    ]
}

fn resize_schema() -> Vec<Property> {
    let size = text("size").pattern(r"\+?\d+(\.\d+)?[KMGT]?").required();
    let digest = text("digest").length(0, 40);
    with_address(vec![disk("disk").required(), size, digest])
}

fn container_routes() -> Vec<Route> {
    let snapshot = text("snapshot").format(named::CONFIG_ID).length(0, 40);
    let shown = with_address(vec![boolean("current"), snapshot]);
    let destroy = with_address(vec![
        boolean("destroy-unreferenced-disks"),
        boolean("force"),
        boolean("purge"),
    ]);
    vec![
        Route::new("GET", "/nodes/{node}/lxc", vec![lxc::node()], power::list),
        Route::new("POST", "/nodes/{node}/lxc", lxc::create(), create::create),
        Route::new(
            "DELETE",
            "/nodes/{node}/lxc/{vmid}",
            destroy,
            destroy::destroy,
        )
        .every("/vms/{vmid}", &["VM.Allocate"])
        .locking(),
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/config",
            shown,
            config::show,
        )
        .every("/vms/{vmid}", &["VM.Audit"]),
        Route::new(
            "PUT",
            "/nodes/{node}/lxc/{vmid}/config",
            lxc::update(),
            config::update,
        )
        .any("/vms/{vmid}", VM_CONFIG)
        .locking(),
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/pending",
            lxc::address(),
            config::pending,
        )
        .every("/vms/{vmid}", &["VM.Audit"]),
        Route::new(
            "PUT",
            "/nodes/{node}/lxc/{vmid}/resize",
            resize_schema(),
            config::resize,
        )
        .every("/vms/{vmid}", &["VM.Config.Disk"])
        .locking(),
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/interfaces",
            lxc::address(),
            node::interfaces,
        )
        .every("/vms/{vmid}", &["VM.Audit"]),
    ]
}

fn power_routes() -> Vec<Route> {
    let start = with_address(vec![boolean("debug"), boolean("skiplock")]);
    let stop = with_address(vec![boolean("overrule-shutdown"), boolean("skiplock")]);
    let shutdown = with_address(vec![boolean("forceStop"), integer("timeout").min(0)]);
    let reboot = with_address(vec![integer("timeout").min(0)]);
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/status/current",
            lxc::address(),
            power::current,
        )
        .every("/vms/{vmid}", &["VM.Audit"]),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/status/start",
            start,
            power::start,
        )
        .every("/vms/{vmid}", &["VM.PowerMgmt"]),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/status/stop",
            stop,
            power::stop,
        )
        .every("/vms/{vmid}", &["VM.PowerMgmt"]),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/status/shutdown",
            shutdown,
            power::shutdown,
        )
        .every("/vms/{vmid}", &["VM.PowerMgmt"]),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/status/reboot",
            reboot,
            power::reboot,
        )
        .every("/vms/{vmid}", &["VM.PowerMgmt"]),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/status/suspend",
            lxc::address(),
            suspend::suspend,
        )
        .every("/vms/{vmid}", &["VM.PowerMgmt"]),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/status/resume",
            lxc::address(),
            suspend::resume,
        )
        .every("/vms/{vmid}", &["VM.PowerMgmt"]),
    ]
}
