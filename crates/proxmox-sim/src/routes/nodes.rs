//! Routes of nodes: status, networks, consoles, backups, templates and tasks.

use std::sync::LazyLock;

use super::{AccessRule, Route};
use crate::api::{
    access, backup, console, datacenter, index, network, node, rrd, system, tasks, templates,
};
use crate::schema::object::Object;
use crate::schema::storage::prune;
use crate::schema::{
    Property, array, boolean, choice, integer, lxc, named, network as options, text,
};

const NODE: &str = "/nodes/{node}";
const AUDIT: &[&str] = &["Sys.Audit"];
const MODIFY: &[&str] = &["Sys.Modify"];

/// All routes of this module.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = system_routes();
    routes.extend(network_routes());
    routes.extend(console_routes());
    routes.extend(job_routes());
    routes.extend(task_routes());
    routes
}

fn with_node(more: Vec<Property>) -> Vec<Property> {
    std::iter::once(lxc::node()).chain(more).collect()
}

/// The parameters of RRD statistics.
pub(super) fn rrd_parameters(frames: &[&str]) -> Vec<Property> {
    vec![
        choice("timeframe", frames).required(),
        choice("cf", &["AVERAGE", "MAX"]),
    ]
}

fn system_routes() -> Vec<Route> {
    const PROPERTIES: [&str; 12] = [
        "acme",
        "acmedomain0",
        "acmedomain1",
        "acmedomain2",
        "acmedomain3",
        "acmedomain4",
        "acmedomain5",
        "ballooning-target",
        "description",
        "location",
        "startall-onboot-delay",
        "wakeonlan",
    ];
    let node = || vec![lxc::node()];
    let config = with_node(vec![choice("property", &PROPERTIES)]);
    let frames = ["hour", "day", "week", "month", "year", "decade"];
    vec![
        Route::new("GET", NODE, node(), index::node),
        Route::new("GET", "/nodes/{node}/status", node(), node::status).every(NODE, AUDIT),
        Route::new("GET", "/nodes/{node}/version", node(), access::version),
        Route::new("GET", "/nodes/{node}/time", node(), system::time).every(NODE, AUDIT),
        Route::new("GET", "/nodes/{node}/dns", node(), system::dns).every(NODE, AUDIT),
        Route::new("GET", "/nodes/{node}/hosts", node(), system::hosts).every("/", AUDIT),
        Route::new("GET", "/nodes/{node}/config", config, system::config).every("/", AUDIT),
        Route::new(
            "GET",
            "/nodes/{node}/subscription",
            node(),
            system::subscription,
        ),
        Route::new("GET", "/nodes/{node}/netstat", node(), system::netstat).every(NODE, AUDIT),
        Route::new(
            "GET",
            "/nodes/{node}/services",
            node(),
            datacenter::empty_list,
        )
        .every(NODE, AUDIT),
        Route::new("GET", "/nodes/{node}/sdn", node(), index::node_sdn),
        Route::new(
            "GET",
            "/nodes/{node}/rrddata",
            with_node(rrd_parameters(&frames)),
            rrd::node,
        )
        .every(NODE, AUDIT),
    ]
}

fn network_routes() -> Vec<Route> {
    let all = "/nodes/{node}/network";
    let item = "/nodes/{node}/network/{iface}";
    let list = with_node(vec![options::type_filter()]);
    let name = || with_node(vec![options::iface()]);
    let mut changed = with_node(options::options());
    changed.push(text("delete").list(named::CONFIG_ID));
    let reload = with_node(vec![boolean("regenerate-frr")]);
    vec![
        Route::new("GET", all, list, network::list),
        Route::new("POST", all, with_node(options::options()), network::create).every(NODE, MODIFY),
        Route::new("PUT", all, reload, network::reload).every(NODE, MODIFY),
        Route::new("DELETE", all, vec![lxc::node()], network::revert).every(NODE, MODIFY),
        Route::new("GET", item, name(), network::show).every(NODE, AUDIT),
        Route::new("PUT", item, changed, network::update).every(NODE, MODIFY),
        Route::new("DELETE", item, name(), network::delete).every(NODE, MODIFY),
    ]
}

fn console_routes() -> Vec<Route> {
    let shell = with_node(vec![
        choice("cmd", &["ceph_install", "login", "upgrade"]),
        text("cmd-opts").requires("cmd"),
    ]);
    let ticket = vec![
        text("authid").length(0, 64).required(),
        text("path").length(0, 64).required(),
        integer("port"),
        text("privs")
            .list(named::PRIVILEGE)
            .length(0, 64)
            .required(),
        text("vncticket").required(),
    ];
    let console: &[&str] = &["Sys.Console"];
    vec![
        Route::new("POST", "/nodes/{node}/termproxy", shell, console::shell).every(NODE, console),
        Route::new(
            "GET",
            "/nodes/{node}/vncwebsocket",
            with_node(console_parameters()),
            console::connect,
        )
        .every(NODE, console),
        Route::new("POST", "/access/vncticket", ticket, console::check)
            .access_rule(AccessRule::World),
    ]
}

/// The parameters of a console connection.
pub(super) fn console_parameters() -> Vec<Property> {
    vec![
        integer("port").min(5900).max(5999).required(),
        text("vncticket").length(0, 512).required(),
    ]
}

/// The parameters of a backup. The path need not contain the node.
fn backup_options() -> Vec<Property> {
    vec![
        text("node").format(named::NODE),
        boolean("all"),
        integer("bwlimit").min(0),
        choice("compress", &["0", "1", "gzip", "lzo", "zstd"]),
        text("dumpdir"),
        text("exclude").list(named::VMID),
        array("exclude-path"),
        text("fleecing").object(fleecing),
        integer("ionice").min(0).max(8),
        text("job-id").pattern(r"\S+").length(0, 50),
        integer("lockwait").min(0),
        choice("mailnotification", &["always", "failure"]),
        text("mailto").list(named::EMAIL_OR_USER),
        choice("mode", &["snapshot", "suspend", "stop"]),
        text("notes-template").requires("storage").length(0, 1024),
        choice(
            "notification-mode",
            &["auto", "legacy-sendmail", "notification-system"],
        ),
        choice("pbs-change-detection-mode", &["legacy", "data", "metadata"]),
        text("performance").object(performance),
        integer("pigz"),
        text("pool"),
        boolean("protected").requires("storage"),
        text("prune-backups").object(prune),
        boolean("quiet"),
        boolean("remove"),
        text("script"),
        boolean("stdexcludes"),
        boolean("stdout"),
        boolean("stop"),
        integer("stopwait").min(0),
        text("storage").format(named::STORAGE),
        text("tmpdir"),
        text("vmid").list(named::VMID),
        integer("zstd"),
    ]
}

fn fleecing() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        let storage = text("storage").format(named::STORAGE);
        Object::with_default("enabled", vec![boolean("enabled"), storage])
    });
    &OBJECT
}

fn performance() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        Object::new(vec![
            integer("max-workers").min(1).max(256),
            integer("pbs-entries-max").min(1),
        ])
    });
    &OBJECT
}

fn job_routes() -> Vec<Route> {
    let workers = || integer("max-workers").min(1).max(64);
    let vms = || text("vms").list(named::VMID);
    let start = with_node(vec![boolean("force"), workers(), vms()]);
    let stop = with_node(vec![
        boolean("force-stop"),
        workers(),
        vms(),
        integer("timeout").min(0).max(7200),
    ]);
    let appliance = with_node(vec![
        text("storage").format(named::STORAGE).required(),
        text("template").length(0, 255).required(),
    ]);
    let url = with_node(vec![
        text("url").pattern("https?://.*").required(),
        boolean("verify-certificates"),
    ]);
    vec![
        Route::new(
            "POST",
            "/nodes/{node}/vzdump",
            backup_options(),
            backup::create,
        ),
        Route::new("POST", "/nodes/{node}/startall", start, system::start_all),
        Route::new("POST", "/nodes/{node}/stopall", stop, system::stop_all),
        Route::new(
            "GET",
            "/nodes/{node}/aplinfo",
            vec![lxc::node()],
            templates::appliances,
        ),
        Route::new(
            "POST",
            "/nodes/{node}/aplinfo",
            appliance,
            templates::fetch_appliance,
        )
        .every("/storage/{storage}", &["Datastore.AllocateTemplate"]),
        Route::new(
            "GET",
            "/nodes/{node}/query-url-metadata",
            url,
            templates::metadata,
        )
        .access_rule(AccessRule::Custom(templates::check_query)),
    ]
}

fn task_routes() -> Vec<Route> {
    let page = || vec![integer("start").min(0), integer("limit").min(0)];
    let mut list = vec![
        lxc::node(),
        boolean("errors"),
        integer("since"),
        choice("source", &["archive", "active", "all"]),
        text("statusfilter").list(named::TASK_STATUS),
        text("typefilter"),
        integer("until"),
        text("userfilter"),
        lxc::vmid("vmid"),
    ];
    list.extend(page());
    let of_task = || vec![lxc::node(), text("upid").required()];
    let mut log = of_task();
    log.extend(page());
    log.push(boolean("download"));
    vec![
        Route::new("GET", "/nodes/{node}/tasks", list, tasks::list),
        Route::new("GET", "/nodes/{node}/tasks/{upid}", of_task(), tasks::index),
        Route::new(
            "GET",
            "/nodes/{node}/tasks/{upid}/status",
            of_task(),
            tasks::status,
        ),
        Route::new("GET", "/nodes/{node}/tasks/{upid}/log", log, tasks::log),
        Route::new(
            "DELETE",
            "/nodes/{node}/tasks/{upid}",
            of_task(),
            tasks::kill,
        ),
    ]
}
