//! The table of calls: method, path, parameters and handler. Whatever is not in it is a 501.

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::api::{access, cluster, config, create, destroy, images, node, power, storage, tasks};
use crate::auth::Caller;
use crate::core::Core;
use crate::error::Result;
use crate::params::Params;
use crate::schema::{Property, Schema, boolean, choice, disk, format, integer, lxc, text};

/// A call that passed all checks before the handler.
pub(crate) struct Call {
    pub(crate) core: Arc<Core>,
    pub(crate) caller: Caller,
    pub(crate) params: Params,
    /// When set, the task that the call starts fails with these words.
    pub(crate) doomed: Option<String>,
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
            handler,
        }
    }

    fn locking(mut self) -> Self {
        self.locks = true;
        self
    }

    /// The variables in the path, if it fits. A last `{volume}` takes all that is left.
    fn match_path(&self, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
        let mut variables = Vec::new();
        let mut rest = segments.iter();
        for part in self.path.split('/').skip(1) {
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
        routes
    });
    ROUTES
        .iter()
        .filter(|route| route.method == method)
        .find_map(|route| Some((route, route.match_path(segments)?)))
}

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
        Route::new("GET", "/version", vec![], access::version),
        Route::new("GET", "/nodes", vec![], cluster::nodes),
        Route::new("GET", "/cluster/status", vec![], cluster::status),
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
        ),
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
        ),
        Route::new(
            "GET",
            "/nodes/{node}/storage/{storage}/content",
            content,
            storage::content,
        ),
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
        ),
        Route::new(
            "GET",
            "/nodes/{node}/query-oci-repo-tags",
            tags,
            images::tags,
        ),
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
        .locking(),
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/config",
            shown,
            config::show,
        ),
        Route::new(
            "PUT",
            "/nodes/{node}/lxc/{vmid}/config",
            lxc::update(),
            config::update,
        )
        .locking(),
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/pending",
            lxc::address(),
            config::pending,
        ),
        Route::new(
            "PUT",
            "/nodes/{node}/lxc/{vmid}/resize",
            resize_schema(),
            config::resize,
        )
        .locking(),
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/interfaces",
            lxc::address(),
            node::interfaces,
        ),
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
        ),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/status/start",
            start,
            power::start,
        ),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/status/stop",
            stop,
            power::stop,
        ),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/status/shutdown",
            shutdown,
            power::shutdown,
        ),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/status/reboot",
            reboot,
            power::reboot,
        ),
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
