//! `/nodes/{node}/lxc/{vmid}/firewall`. As on a real node, the guest need not exist.

mod ipset;
mod options;
mod rules;

use crate::api::index_entries;
use crate::call::{ApiResponse, Call};
use crate::cluster::firewall::{Firewall, check_digest};
use crate::error::Result;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this level and below.
pub(super) fn routes() -> Vec<Route> {
    let path = "/nodes/{node}/lxc/{vmid}/firewall";
    let mut routes = vec![Route::new("GET", path, lxc::address(), index)];
    routes.extend(ipset::routes());
    routes.extend(options::routes());
    routes.extend(rules::routes());
    routes
}

/// `GET …/firewall`.
fn index(_: &Call) -> Result<ApiResponse> {
    let names = ["rules", "aliases", "ipset", "refs", "options"];
    Ok(index_entries("name", &names))
}

/// Reads the guest's firewall.
fn read<T>(call: &Call, read: impl FnOnce(&Firewall) -> T) -> T {
    let vmid = call.params.vmid();
    call.core.read(|state| match state.firewalls.get(&vmid) {
        Some(firewall) => read(firewall),
        None => read(&Firewall::default()),
    })
}

/// Changes the guest's firewall. Fails if it has changed since the caller read it.
fn edit(
    call: &Call,
    edit: impl FnOnce(&mut Firewall) -> Result<ApiResponse>,
) -> Result<ApiResponse> {
    let vmid = call.params.vmid();
    call.core.edit(|state| {
        let firewall = state.firewalls.entry(vmid).or_default();
        check_digest(&call.params, &firewall.digest())?;
        edit(firewall)
    })
}
