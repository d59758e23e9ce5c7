//! Routes for cloning, snapshots and migration of containers.

use super::{Permit, Route, with_address};
use crate::api::{clone, migrate, snapshots};
use crate::schema::{any_disk, boolean, choice, integer, lxc, named, number, text};

const VMS: &str = "/vms/{vmid}";

/// All routes of this module.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = of_snapshots();
    routes.extend(copies());
    routes.extend(moves());
    routes
}

fn snapshot(more: Vec<crate::schema::Property>) -> Vec<crate::schema::Property> {
    let name = text("snapname")
        .format(named::CONFIG_ID)
        .length(0, 40)
        .required();
    with_address(std::iter::once(name).chain(more).collect())
}

fn of_snapshots() -> Vec<Route> {
    let all = "/nodes/{node}/lxc/{vmid}/snapshot";
    let one = "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}";
    let config = "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config";
    let rollback = "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback";
    let described = || snapshot(vec![text("description")]);
    let make: &[&str] = &["VM.Snapshot"];
    vec![
        Route::new("GET", all, lxc::address(), snapshots::list).every(VMS, &["VM.Audit"]),
        Route::new("POST", all, described(), snapshots::create).every(VMS, make),
        Route::new("GET", one, snapshot(vec![]), snapshots::index),
        Route::new(
            "DELETE",
            one,
            snapshot(vec![boolean("force")]),
            snapshots::delete,
        )
        .every(VMS, make),
        Route::new("GET", config, snapshot(vec![]), snapshots::show)
            .any(VMS, &["VM.Snapshot", "VM.Snapshot.Rollback", "VM.Audit"]),
        Route::new("PUT", config, described(), snapshots::update).every(VMS, make),
        Route::new(
            "POST",
            rollback,
            snapshot(vec![boolean("start")]),
            snapshots::rollback,
        )
        .any(VMS, &["VM.Snapshot", "VM.Snapshot.Rollback"]),
    ]
}

fn copies() -> Vec<Route> {
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
        .permit(Permit::Judged(clone::may_clone)),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/template",
            lxc::address(),
            clone::template,
        )
        .every(VMS, &["VM.Allocate"]),
    ]
}

fn moves() -> Vec<Route> {
    let travel = with_address(vec![
        text("target").format(named::NODE).required(),
        text("target-storage").list(named::STORAGE_PAIR),
        boolean("online"),
        boolean("restart"),
        integer("timeout"),
        number("bwlimit").min(0),
    ]);
    let relocate = with_address(vec![
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
            travel,
            migrate::migrate,
        )
        .every(VMS, &["VM.Migrate"]),
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/move_volume",
            relocate,
            migrate::move_volume,
        )
        .every(VMS, &["VM.Config.Disk"]),
    ]
}
