//! `/nodes/{node}/lxc/{vmid}/firewall/options`.

use serde_json::Value;

use super::{edit, read};
use crate::api::nodes::node::lxc::with_address;
use crate::call::{ApiResponse, Call};
use crate::cluster::firewall::{change_options, to_json};
use crate::error::Result;
use crate::route::Route;
use crate::schema::{firewall, lxc};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let path = "/nodes/{node}/lxc/{vmid}/firewall/options";
    let vms = "/vms/{vmid}";
    vec![
        Route::new("GET", path, lxc::address(), show).every(vms, &["VM.Audit"]),
        Route::new("PUT", path, with_address(firewall::guest_options()), update)
            .every(vms, &["VM.Config.Network"]),
    ]
}

/// `GET …/options`.
fn show(call: &Call) -> Result<ApiResponse> {
    Ok(read(call, |firewall| {
        let mut members = to_json(&firewall.options);
        members.insert("digest".into(), firewall.digest().into());
        Value::Object(members).into()
    }))
}

/// `PUT …/options`.
fn update(call: &Call) -> Result<ApiResponse> {
    edit(call, |firewall| {
        change_options(&call.params, &mut firewall.options);
        Ok(ApiResponse::null())
    })
}
