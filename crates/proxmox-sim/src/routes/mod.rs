//! The table of calls: method, path, parameters and handler. Whatever is not in it is a 501.

mod access;
mod copies;

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::api::{
    access as about, cluster, config, create, destroy, images, node, power, storage, tasks,
};
use crate::auth::{Caller, Permit};
use crate::core::Core;
use crate::error::Result;
use crate::fault::Doom;
use crate::params::Params;
use crate::schema::{Property, Schema, boolean, choice, disk, format, integer, lxc, text};

/// A call that passed all checks before the handler.
pub(crate) struct Call {
    pub(crate) core: Arc<Core>,
    pub(crate) method: &'static str,
    pub(crate) caller: Caller,
    pub(crate) params: Params,
    /// When set, the task that the call starts fails in this way.
    pub(crate) doomed: Option<Doom>,
}

/// What a handler answers.
pub(crate) struct Answer {
    pub(crate) data: Value,
    /// Of how many the data is a part, where Proxmox says so.
    pub(crate) total: Option<usize>,
}

impl Answer {
    /// The answer of calls that have nothing to say: null.
    pub(crate) fn nothing() -> Self {
        Value::Null.into()
    }
}

impl From<Value> for Answer {
    fn from(data: Value) -> Self {
        Self { data, total: None }
    }
}

type Handler = fn(&Call) -> Result<Answer>;

/// One call of the API.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    path: &'static str,
    pub(crate) schema: Schema,
    /// Whether the call waits for the lock of the container's configuration.
    pub(crate) locks: bool,
    /// What it asks of the caller.
    pub(crate) permit: Permit,
    /// Whether a token will not do.
    pub(crate) ticket_only: bool,
    pub(crate) handler: Handler,
}

impl Route {
    fn new(
        method: &'static str,
        path: &'static str,
        properties: Vec<Property>,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            schema: Schema::new(properties),
            locks: false,
            permit: Permit::All,
            ticket_only: false,
            handler,
        }
    }

    fn locking(mut self) -> Self {
        self.locks = true;
        self
    }

    /// Asks for all of these privileges at a path.
    fn every(self, path: &'static str, privileges: &'static [&'static str]) -> Self {
        self.permit(Permit::Every(path, privileges))
    }

    /// Asks for one of these privileges at a path.
    fn any(self, path: &'static str, privileges: &'static [&'static str]) -> Self {
        self.permit(Permit::Any(path, privileges))
    }

    fn permit(mut self, permit: Permit) -> Self {
        self.permit = permit;
        self
    }

    fn ticket_only(mut self) -> Self {
        self.ticket_only = true;
        self
    }

    /// The variables in the path, if it fits. A last `{volume}` takes all that is left.
    fn match_path(&self, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
        let mut variables = Vec::new();
        let mut rest = segments.iter();
        for part in self.path.split('/').filter(|part| !part.is_empty()) {
            let Some(name) = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'))
            else {
                rest.next().filter(|segment| **segment == part)?;
                continue;
            };
            if name == "volume" {
                let taken: Vec<&str> = rest.by_ref().copied().collect();
                variables.push((name, Some(taken.join("/")).filter(|all| !all.is_empty())?));
            } else {
                variables.push((name, (*rest.next()?).to_owned()));
            }
        }
        rest.next().is_none().then_some(variables)
    }
}

/// Finds the route of a method and path, and the variables in the path.
pub(crate) fn find(
    method: &str,
    segments: &[&str],
) -> Option<(&'static Route, Vec<(&'static str, String)>)> {
    static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
        let mut routes = inventory();
        routes.extend(storages());
        routes.extend(containers());
        routes.extend(running_tasks());
        routes.extend(access::routes());
        routes.extend(copies::routes());
        routes
    });
    ROUTES
        .iter()
        .filter(|route| route.method == method)
        .find_map(|route| Some((route, route.match_path(segments)?)))
}

/// Who may see a storage.
const STORAGE_SEEN: &[&str] = &["Datastore.Audit", "Datastore.AllocateSpace"];

/// Who may change something of a container; which of its options is checked afterwards.
const VM_CONFIG: &[&str] = &[
    "VM.Config.Disk",
    "VM.Config.CPU",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
];

fn inventory() -> Vec<Route> {
    const NETWORKS: &[&str] = &[
        "bridge",
        "bond",
        "eth",
        "alias",
        "vlan",
        "fabric",
        "OVSBridge",
        "OVSBond",
        "OVSPort",
        "OVSIntPort",
        "vnet",
        "any_bridge",
        "any_local_bridge",
        "include_sdn",
    ];
    let kinds = choice("type", &["vm", "storage", "node", "sdn"]);
    vec![
        Route::new("GET", "/version", vec![], about::version),
        Route::new("GET", "/nodes", vec![], cluster::nodes),
        Route::new("GET", "/cluster/status", vec![], cluster::status).every("/", &["Sys.Audit"]),
        Route::new("GET", "/cluster/resources", vec![kinds], cluster::resources),
        Route::new(
            "GET",
            "/cluster/nextid",
            vec![lxc::vmid("vmid")],
            cluster::next_id,
        ),
        Route::new(
            "GET",
            "/nodes/{node}/status",
            vec![lxc::node()],
            node::status,
        )
        .every("/nodes/{node}", &["Sys.Audit"]),
        Route::new(
            "GET",
            "/nodes/{node}/network",
            vec![lxc::node(), choice("type", NETWORKS)],
            node::network,
        ),
    ]
}

fn in_storage(more: Vec<Property>) -> Vec<Property> {
    let mut properties = vec![
        lxc::node(),
        text("storage").format(format::storage).required(),
    ];
    properties.extend(more);
    properties
}

fn storages() -> Vec<Route> {
    let listing = vec![
        lxc::node(),
        text("content").list(format::content),
        boolean("enabled"),
        boolean("format"),
        text("storage").format(format::storage),
        text("target").format(format::node),
    ];
    let content = in_storage(vec![
        text("content").format(format::content),
        lxc::vmid("vmid"),
    ]);
    let pull = in_storage(vec![
        text("reference").pattern(images::REFERENCE).required(),
        text("filename").length(1, 255),
    ]);
    let delete = in_storage(vec![
        text("volume").required(),
        integer("delay").min(1).max(30),
    ]);
    let tags = vec![
        lxc::node(),
        text("reference").pattern(images::REPOSITORY).required(),
    ];
    vec![
        Route::new("GET", "/nodes/{node}/storage", listing, storage::list),
        Route::new(
            "GET",
            "/nodes/{node}/storage/{storage}/status",
            in_storage(vec![]),
            storage::status,
        )
        .any("/storage/{storage}", STORAGE_SEEN),
        Route::new(
            "GET",
            "/nodes/{node}/storage/{storage}/content",
            content,
            storage::content,
        )
        .any("/storage/{storage}", STORAGE_SEEN),
        Route::new(
            "DELETE",
            "/nodes/{node}/storage/{storage}/content/{volume}",
            delete,
            storage::delete,
        ),
        Route::new(
            "POST",
            "/nodes/{node}/storage/{storage}/oci-registry-pull",
            pull,
            images::pull,
        )
        .permit(Permit::Judged(images::may_pull)),
        Route::new(
            "GET",
            "/nodes/{node}/query-oci-repo-tags",
            tags,
            images::tags,
        )
        .every("/nodes/{node}", &["Sys.AccessNetwork"]),
    ]
}

fn with_address(more: Vec<Property>) -> Vec<Property> {
    let mut properties = lxc::address();
    properties.extend(more);
    properties
}

fn resize_schema() -> Vec<Property> {
    let size = text("size").pattern(r"\+?\d+(\.\d+)?[KMGT]?").required();
    let digest = text("digest").length(0, 40);
    with_address(vec![disk("disk").required(), size, digest])
}

fn containers() -> Vec<Route> {
    let snapshot = text("snapshot").format(format::config_id).length(0, 40);
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
    .into_iter()
    .chain(power_routes())
    .collect()
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
    ]
}

fn running_tasks() -> Vec<Route> {
    let page = || vec![integer("start").min(0), integer("limit").min(0)];
    let mut list = vec![
        lxc::node(),
        boolean("errors"),
        integer("since"),
        choice("source", &["archive", "active", "all"]),
        text("statusfilter").list(format::task_status),
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
