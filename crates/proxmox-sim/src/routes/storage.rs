//! Routes of storages and their content.

use super::nodes::rrd_parameters;
use super::{AccessRule, Route};
use crate::api::{images, index, rrd, storage, storages, templates};
use crate::schema::storage as options;
use crate::schema::{Property, boolean, choice, integer, lxc, named, text};

const STORAGE: &str = "/storage/{storage}";
/// One of these is required to see a storage.
const VIEW: &[&str] = &["Datastore.Audit", "Datastore.AllocateSpace"];

/// All routes of this module.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = definition_routes();
    routes.extend(node_routes());
    routes.extend(content_routes());
    routes.extend(download_routes());
    routes
}

fn definition_routes() -> Vec<Route> {
    let (all, item) = ("/storage", "/storage/{storage}");
    let allocate: &[&str] = &["Datastore.Allocate"];
    let mut created = options::changeable();
    created.extend(options::fixed());
    let mut changed = options::changeable();
    changed.push(text("delete").list(named::CONFIG_ID).length(0, 4096));
    changed.push(text("digest").length(0, 64));
    vec![
        Route::new("GET", all, vec![options::kind()], storages::list),
        Route::new("POST", all, created, storages::create).every(all, allocate),
        Route::new("GET", item, vec![options::id()], storages::show).every(item, allocate),
        Route::new("PUT", item, changed, storages::update).every(all, allocate),
        Route::new("DELETE", item, vec![options::id()], storages::delete).every(all, allocate),
    ]
}

fn in_storage(more: Vec<Property>) -> Vec<Property> {
    let mut properties = vec![lxc::node(), options::id()];
    properties.extend(more);
    properties
}

fn node_routes() -> Vec<Route> {
    let listing = vec![
        lxc::node(),
        text("content").list(named::CONTENT),
        boolean("enabled"),
        boolean("format"),
        text("storage").format(named::STORAGE),
        text("target").format(named::NODE),
    ];
    let rrd = in_storage(rrd_parameters(&["hour", "day", "week", "month", "year"]));
    let item = "/nodes/{node}/storage/{storage}";
    let status = "/nodes/{node}/storage/{storage}/status";
    let rrd_path = "/nodes/{node}/storage/{storage}/rrddata";
    vec![
        Route::new("GET", "/nodes/{node}/storage", listing, storage::list),
        Route::new("GET", item, in_storage(vec![]), index::storage).any(STORAGE, VIEW),
        Route::new("GET", status, in_storage(vec![]), storage::status).any(STORAGE, VIEW),
        Route::new("GET", rrd_path, rrd, rrd::storage).any(STORAGE, VIEW),
    ]
}

fn content_routes() -> Vec<Route> {
    let all = "/nodes/{node}/storage/{storage}/content";
    let item = "/nodes/{node}/storage/{storage}/content/{volume}";
    let list = in_storage(vec![
        text("content").format(named::CONTENT),
        lxc::vmid("vmid"),
    ]);
    let disk = in_storage(vec![
        text("filename").required(),
        choice("format", &["raw", "qcow2", "subvol", "vmdk"]).requires("size"),
        text("size").pattern(r"\d+[MG]?").required(),
        lxc::vmid("vmid").required(),
    ]);
    // The storage may be part of the volume ID instead.
    let volume = |more: Vec<Property>| -> Vec<Property> {
        let storage = text("storage").format(named::STORAGE);
        let first = [lxc::node(), storage, text("volume").required()];
        first.into_iter().chain(more).collect()
    };
    let changed = volume(vec![text("notes"), boolean("protected")]);
    let removed = volume(vec![integer("delay").min(1).max(30)]);
    vec![
        Route::new("GET", all, list, storage::content).any(STORAGE, VIEW),
        Route::new("POST", all, disk, storage::allocate)
            .every(STORAGE, &["Datastore.AllocateSpace"]),
        Route::new("GET", item, volume(vec![]), storage::show),
        Route::new("PUT", item, changed, storage::update),
        Route::new("DELETE", item, removed, storage::delete),
    ]
}

fn download_routes() -> Vec<Route> {
    let pull = in_storage(vec![
        text("reference").pattern(images::REFERENCE).required(),
        text("filename").length(1, 255),
    ]);
    let tags = vec![
        lxc::node(),
        text("reference").pattern(images::REPOSITORY).required(),
    ];
    let sums = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
    let download = in_storage(vec![
        text("checksum").requires("checksum-algorithm"),
        choice("checksum-algorithm", &sums).requires("checksum"),
        text("compression"),
        choice("content", &["iso", "vztmpl", "import"])
            .format(named::CONTENT)
            .required(),
        text("filename").length(0, 255).required(),
        text("url").pattern("https?://.*").required(),
        boolean("verify-certificates"),
    ]);
    vec![
        Route::new(
            "POST",
            "/nodes/{node}/storage/{storage}/oci-registry-pull",
            pull,
            images::pull,
        )
        .access_rule(AccessRule::Custom(images::check_pull)),
        Route::new(
            "POST",
            "/nodes/{node}/storage/{storage}/download-url",
            download,
            templates::download,
        )
        .access_rule(AccessRule::Custom(templates::check_download)),
        Route::new(
            "GET",
            "/nodes/{node}/query-oci-repo-tags",
            tags,
            images::tags,
        )
        .every("/nodes/{node}", &["Sys.AccessNetwork"]),
    ]
}
