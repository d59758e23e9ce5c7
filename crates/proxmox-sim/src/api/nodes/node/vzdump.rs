//! `/nodes/{node}/vzdump`: container backups.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::access::auth::require_privilege;
use crate::call::{ApiResponse, Call};
use crate::cluster::state::State;
use crate::error::{ApiError, Result};
use crate::params::Params;
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::object::Object;
use crate::schema::storage::prune;
use crate::schema::{Property, array, boolean, choice, integer, named, text};
use crate::tasks;
use crate::tasks::backup::{self, Job};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        "POST",
        "/nodes/{node}/vzdump",
        backup_options(),
        create,
    )]
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

/// `POST /nodes/{node}/vzdump`. Missing storages or containers make the task fail, not the request.
fn create(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    check(call)?;
    let job = Job {
        vmids: call.core.read(|state| select_vmids(call, state)),
        all: params.get("vmid").is_none(),
        storage: params.get("storage").unwrap_or("local").to_owned(),
        ending: match params.text("compress") {
            "zstd" => ".tar.zst",
            "gzip" => ".tar.gz",
            "1" | "lzo" => ".tar.lzo",
            _ => ".tar",
        },
        stops: params.text("mode") == "stop",
        notes: params.get("notes-template").map(str::to_owned),
        protected: params.flag("protected"),
        kept: kept(params),
        caller: call.caller.clone(),
    };
    let id = match job.vmids.as_slice() {
        [vmid] if !job.all => vmid.to_string(),
        _ => String::new(),
    };
    let spec = call.spec("vzdump", &id);
    Ok(tasks::start(&call.core, &spec, |run| backup::work(run, job)).into())
}

fn check(call: &Call) -> Result<()> {
    let params = &call.params;
    let is_set = |name: &str| params.get(name).is_some();
    if !call.caller.is_root() {
        for name in ["dumpdir", "script", "tmpdir", "job-id"] {
            if is_set(name) {
                return Err(ApiError::parameter(name, "Only root may set this option."));
            }
        }
    }
    if !is_set("vmid") && !params.flag("all") && !is_set("pool") {
        return Err(ApiError::parameter("vmid", "property is missing"));
    }
    if params.flag("all") && is_set("vmid") {
        return Err(ApiError::parameter(
            "all",
            "option conflicts with option 'vmid'",
        ));
    }
    let Some(storage) = params.get("storage") else {
        return Ok(());
    };
    call.core.read(|state| {
        let path = format!("/storage/{storage}");
        require_privilege(
            &state.directory,
            &call.caller,
            &path,
            &["Datastore.AllocateSpace"],
        )
    })
}

fn select_vmids(call: &Call, state: &State) -> Vec<u32> {
    let params = &call.params;
    let read = |text: &str| -> BTreeSet<u32> {
        split_list(text)
            .filter_map(|vmid| vmid.parse().ok())
            .collect()
    };
    let excluded = read(params.text("exclude"));
    if let Some(list) = params.get("vmid") {
        return read(list).into_iter().collect();
    }
    let pool = params
        .get("pool")
        .map(|pool| state.directory.pools.get(pool));
    let containers = state.containers.values().filter(|c| c.node == call.node());
    containers
        .map(|container| container.vmid)
        .filter(|vmid| !excluded.contains(vmid))
        .filter(|vmid| pool.is_none_or(|pool| pool.is_some_and(|pool| pool.vms.contains(vmid))))
        .collect()
}

/// The number of backups to keep, from `keep-last`.
fn kept(params: &Params) -> Option<usize> {
    if params.get("remove") == Some("0") {
        return None;
    }
    let parts = crate::schema::storage::prune()
        .parse("prune-backups", params.get("prune-backups")?)
        .ok()?;
    parts.get("keep-last")?.parse().ok()
}
