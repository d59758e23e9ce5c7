//! Routes of storages and their content.

use super::nodes::past;
use super::{Permit, Route};
use crate::api::{images, index, rrd, storage, storages, templates};
use crate::schema::storage as options;
use crate::schema::{Property, boolean, choice, integer, lxc, named, text};

const PLACE: &str = "/storage/{storage}";
/// One of these is required to see a storage.
const SEEN: &[&str] = &["Datastore.Audit", "Datastore.AllocateSpace"];

/// All routes of this module.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = definitions();
    routes.extend(on_nodes());
    routes.extend(contents());
    routes.extend(fetching());
    routes
}

fn definitions() -> Vec<Route> {
    let (all, one) = ("/storage", "/storage/{storage}");
    let allocate: &[&str] = &["Datastore.Allocate"];
    let mut created = options::changeable();
    created.extend(options::fixed());
    let mut changed = options::changeable();
    changed.push(text("delete").list(named::CONFIG_ID).length(0, 4096));
    changed.push(text("digest").length(0, 64));
    vec![
        Route::new("GET", all, vec![options::kind()], storages::list),
        Route::new("POST", all, created, storages::create).every(all, allocate),
        Route::new("GET", one, vec![options::id()], storages::show).every(one, allocate),
        Route::new("PUT", one, changed, storages::update).every(all, allocate),
        Route::new("DELETE", one, vec![options::id()], storages::delete).every(all, allocate),
    ]
}

fn in_storage(more: Vec<Property>) -> Vec<Property> {
    let mut properties = vec![lxc::node(), options::id()];
    properties.extend(more);
    properties
}

fn on_nodes() -> Vec<Route> {
    let listing = vec![
        lxc::node(),
        text("content").list(named::CONTENT),
        boolean("enabled"),
        boolean("format"),
        text("storage").format(named::STORAGE),
        text("target").format(named::NODE),
    ];
    let numbers = in_storage(past(&["hour", "day", "week", "month", "year"]));
    let one = "/nodes/{node}/storage/{storage}";
    let status = "/nodes/{node}/storage/{storage}/status";
    let past = "/nodes/{node}/storage/{storage}/rrddata";
    vec![
        Route::new("GET", "/nodes/{node}/storage", listing, storage::list),
        Route::new("GET", one, in_storage(vec![]), index::storage).any(PLACE, SEEN),
        Route::new("GET", status, in_storage(vec![]), storage::status).any(PLACE, SEEN),
        Route::new("GET", past, numbers, rrd::storage).any(PLACE, SEEN),
    ]
}

fn contents() -> Vec<Route> {
    let all = "/nodes/{node}/storage/{storage}/content";
    let one = "/nodes/{node}/storage/{storage}/content/{volume}";
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
        Route::new("GET", all, list, storage::content).any(PLACE, SEEN),
        Route::new("POST", all, disk, storage::allocate).every(PLACE, &["Datastore.AllocateSpace"]),
        Route::new("GET", one, volume(vec![]), storage::show),
        Route::new("PUT", one, changed, storage::update),
        Route::new("DELETE", one, removed, storage::delete),
    ]
}

fn fetching() -> Vec<Route> {
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
        .permit(Permit::Judged(images::may_pull)),
        Route::new(
            "POST",
            "/nodes/{node}/storage/{storage}/download-url",
            download,
            templates::download,
        )
        .permit(Permit::Judged(templates::may_download)),
        Route::new(
            "GET",
            "/nodes/{node}/query-oci-repo-tags",
            tags,
            images::tags,
        )
        .every("/nodes/{node}", &["Sys.AccessNetwork"]),
    ]
}
