//! `/nodes/{node}/firewall/options`: only reading.

use crate::api::nodes::node::with_node;
use crate::call::{ApiResponse, Call};
use crate::cluster::firewall::options_json;
use crate::error::Result;
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let path = "/nodes/{node}/firewall/options";
    vec![Route::new("GET", path, with_node(vec![]), show).every("/nodes/{node}", &["Sys.Audit"])]
}

/// `GET …/options`.
fn show(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let options = state.node_firewalls.get(call.node());
        Ok(options_json(&options.cloned().unwrap_or_default()).into())
    })
}
