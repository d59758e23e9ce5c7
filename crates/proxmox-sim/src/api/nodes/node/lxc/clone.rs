//! `/nodes/{node}/lxc/{vmid}/clone`.

use std::collections::BTreeMap;

use super::with_address;
use crate::access::auth::{AccessRequest, AccessRule, has_privilege};
use crate::call::{ApiResponse, Call};
use crate::cluster::container::{Container, is_member};
use crate::cluster::lookup::{check_lock, check_vmid, container};
use crate::cluster::{options, volumes};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{boolean, lxc, named, number, text};
use crate::tasks;
use crate::tasks::clone::{self, Plan};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let copy = with_address(vec![
        lxc::vmid("newid").required(),
        text("hostname").format(named::DNS_NAME),
        text("description"),
        text("pool").format(named::POOL),
        text("snapname").format(named::CONFIG_ID).length(0, 40),
        text("storage").format(named::STORAGE),
        boolean("full"),
        text("target").format(named::NODE),
        number("bwlimit").min(0),
    ]);
    vec![
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/clone",
            copy,
            clone_container,
        )
        .access_rule(AccessRule::Custom(check_clone)),
    ]
}

/// Checks that the caller may clone the container and may allocate the new VMID or use the pool.
fn check_clone(access: &AccessRequest) -> Result<()> {
    access.check(AccessRule::Every("/vms/{vmid}", &["VM.Clone"]))?;
    if let Some(pool) = access.text("pool") {
        let path = format!("/pool/{pool}");
        if has_privilege(access.directory, access.caller, &path, "VM.Allocate") {
            return Ok(());
        }
    }
    access.check(AccessRule::Every("/vms/{newid}", &["VM.Allocate"]))
}

/// `POST …/clone`.
fn clone_container(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let (vmid, new) = (
        params.vmid(),
        u32::try_from(params.number("newid").unwrap_or(0)).unwrap_or(0),
    );
    if let Some(target) = params.get("target")
        && call.core.node(target).is_none()
    {
        return Err(ApiError::Failed(format!("no such cluster node '{target}'")));
    }
    if let Some(name) = params.get("storage") {
        call.core
            .read(|state| volumes::usable(state, call.node(), name).map(drop))?;
    }
    let plan = call.core.edit(|state| {
        let source = container(state, call.node(), vmid)?;
        check_lock(source)?;
        let options = cloned_options(call, source)?;
        let running = source.is_running() && params.get("snapname").is_none();
        let linked = source.flag("template") && !params.flag("full");
        if running && !linked {
            let message = "Full clone of a running container is only possible from a snapshot";
            return Err(ApiError::failed(message));
        }
        if linked && !volumes::supports_snapshots(state, source) {
            let volume = volumes::disks(source).next().unwrap_or_default();
            let message = format!("Linked clone feature for '{volume}' is not available");
            return Err(ApiError::Failed(message));
        }
        check_vmid(state, new)?;
        let mut stub = Container::new(new, call.node());
        stub.options.insert("lock".into(), "create".into());
        state.containers.insert(new, stub);
        Ok(Plan {
            vmid,
            new,
            options,
            storage: params.get("storage").map(str::to_owned),
        })
    })?;
    let id = vmid.to_string();
    let spec = call.spec("vzclone", &id);
    Ok(tasks::start(&call.core, &spec, |run| clone::work(run, plan)).into())
}

/// The options of the clone, still with the source's disks.
fn cloned_options(call: &Call, source: &Container) -> Result<BTreeMap<String, String>> {
    let mut options = match call.params.get("snapname") {
        None => source.options.clone(),
        Some(name) => {
            let snapshot = source.snapshots.get(name);
            let snapshot = snapshot
                .ok_or_else(|| ApiError::Failed(format!("snapshot '{name}' does not exist")))?;
            snapshot.options.clone()
        }
    };
    options.remove("template");
    for name in ["hostname", "description"] {
        if let Some(value) = call.params.get(name) {
            options.insert(name.to_owned(), value.to_owned());
        }
    }
    for (name, value) in &mut options {
        if let Ok(mut parts) = lxc::network().parse(name, value)
            && is_member(name, "net")
        {
            parts.remove("hwaddr");
            *value = options::normalize(name, &lxc::network().write(&parts))?;
        }
    }
    Ok(options)
}
