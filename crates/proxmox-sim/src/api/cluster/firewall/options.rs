//! `/cluster/firewall/options`.

use crate::call::{ApiResponse, Call};
use crate::cluster::firewall::{change_options, check_digest, options_digest, options_json};
use crate::error::Result;
use crate::route::Route;
use crate::schema::firewall;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let path = "/cluster/firewall/options";
    vec![
        Route::new("GET", path, vec![], show).every("/", &["Sys.Audit"]),
        Route::new("PUT", path, firewall::cluster_options(), update).every("/", &["Sys.Modify"]),
    ]
}

/// `GET /cluster/firewall/options`.
fn show(call: &Call) -> Result<ApiResponse> {
    call.core
        .read(|state| Ok(options_json(&state.cluster_firewall).into()))
}

/// `PUT /cluster/firewall/options`.
fn update(call: &Call) -> Result<ApiResponse> {
    call.core.edit(|state| {
        check_digest(&call.params, &options_digest(&state.cluster_firewall))?;
        change_options(&call.params, &mut state.cluster_firewall);
        Ok(ApiResponse::null())
    })
}
