//! `/cluster/options`: datacenter options.

use serde_json::json;

use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new("GET", "/cluster/options", vec![], options)]
}

/// `GET /cluster/options`.
fn options(_: &Call) -> Result<ApiResponse> {
    let none: [&str; 0] = [];
    Ok(json!({ "description": "", "mac_prefix": "BC:24:11", "allowed-tags": none }).into())
}
