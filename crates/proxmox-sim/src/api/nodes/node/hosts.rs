//! `/nodes/{node}/hosts`.

use serde_json::json;

use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/nodes/{node}/hosts", vec![lxc::node()], hosts)
            .every("/", &["Sys.Audit"]),
    ]
}

/// `GET /nodes/{node}/hosts`.
fn hosts(call: &Call) -> Result<ApiResponse> {
    let mut text = "127.0.0.1 localhost\n".to_owned();
    for node in &call.core.config.scenario.nodes {
        text.push_str(&format!("{} {}\n", node.address, node.name));
    }
    let digest = "bfcee1833b5ceeceedaccb77b5c3a026508225a7";
    Ok(json!({ "data": text, "digest": digest }).into())
}
