//! `/nodes/{node}/dns`.

use serde_json::json;

use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/nodes/{node}/dns", vec![lxc::node()], dns)
            .every("/nodes/{node}", &["Sys.Audit"]),
    ]
}

/// `GET /nodes/{node}/dns`.
fn dns(_: &Call) -> Result<ApiResponse> {
    Ok(json!({ "dns1": "10.255.255.53" }).into())
}
