//! Routes for cloning, snapshots and migration of containers.

use super::{AccessRule, Route, with_address};
use crate::api::{clone, migrate, snapshots};
use crate::schema::{any_disk, boolean, choice, integer, lxc, named, number, text};

const VMS: &str = "/vms/{vmid}";

/// All routes of this module.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = snapshot_routes();
    routes.extend(clone_routes());
    routes.extend(migration_routes());
    routes
}

fn snapshot(more: Vec<crate::schema::Property>) -> Vec<crate::schema::Property> {
    let name = text("snapname")
        .format(named::CONFIG_ID)
        .length(0, 40)
        .required();
    with_address(std::iter::once(name).chain(more).collect())
}

fn snapshot_routes() -> Vec<Route> {
    let all = "/nodes/{node}/lxc/{vmid}/snapshot";
    let item = "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}";
    let config = "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config";
    let rollback = "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback";
    let with_description = || snapshot(vec![text("description")]);
    let snapshot_privilege: &[&str] = &["VM.Snapshot"];
    vec![
        Route::new("GET", all, lxc::address(), snapshots::list).every(VMS, &["VM.Audit"]),
        Route::new("POST", all, with_description(), snapshots::create)
            .every(VMS, snapshot_privilege),
        Route::new("GET", item, snapshot(vec![]), snapshots::index),
        Route::new(
            "DELETE",
            item,
            snapshot(vec![boolean("force")]),
            snapshots::delete,
        )
        .every(VMS, snapshot_privilege),
        Route::new("GET", config, snapshot(vec![]), snapshots::show)
            .any(VMS, &["VM.Snapshot", "VM.Snapshot.Rollback", "VM.Audit"]),
        Route::new("PUT", config, with_description(), snapshots::update)
            .every(VMS, snapshot_privilege),
        Route::new(
            "POST",
            rollback,
            snapshot(vec![boolean("start")]),
            snapshots::rollback,
        )
        .any(VMS, &["VM.Snapshot", "VM.Snapshot.Rollback"]),
    ]
}

fn clone_routes() -> Vec<Route> {
    let snapname = || text("snapname").format(named::CONFIG_ID).length(0, 40);
    let feature = with_address(vec![
        choice("feature", &["snapshot", "clone", "copy"]).required(),
        snapname(),
    ]);
    let clone = with_address(vec![
        lxc::vmid("newid").required(),
        text("hostname").format(named::DNS_NAME),
        text("description"),
        text("pool").format(named::POOL),
        snapname(),
        text("storage").format(named::STORAGE),
        boolean("full"),
        text("target").format(named::NODE),
        number("bwlimit").min(0),
    ]);
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/feature",
            feature,
            snapshots::feature,
        )
        .every(VMS, &["VM.Audit"]),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/clone",
            clone,
            clone::clone,
        )
        .access_rule(AccessRule::Custom(clone::check_clone)),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/template",
            lxc::address(),
            clone::template,
        )
        .every(VMS, &["VM.Allocate"]),
    ]
}

fn migration_routes() -> Vec<Route> {
    let migrate_parameters = with_address(vec![
        text("target").format(named::NODE).required(),
        text("target-storage").list(named::STORAGE_PAIR),
        boolean("online"),
        boolean("restart"),
        integer("timeout"),
        number("bwlimit").min(0),
    ]);
    let move_parameters = with_address(vec![
        any_disk("volume").required(),
        text("storage").format(named::STORAGE),
        lxc::vmid("target-vmid"),
        any_disk("target-volume"),
        boolean("delete"),
        text("digest").length(0, 40),
        text("target-digest").length(0, 40),
        number("bwlimit").min(0),
    ]);
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/migrate",
            with_address(vec![text("target").format(named::NODE)]),
            migrate::show,
        )
        .every(VMS, &["VM.Migrate"]),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/migrate",
            migrate_parameters,
            migrate::migrate,
        )
        .every(VMS, &["VM.Migrate"]),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/move_volume",
            move_parameters,
            migrate::move_volume,
        )
        .every(VMS, &["VM.Config.Disk"]),
    ]
}
