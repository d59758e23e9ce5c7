//! `/nodes/{node}/time`.

use serde_json::json;

use crate::call::{ApiResponse, Call};
use crate::clock::now;
use crate::error::Result;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", "/nodes/{node}/time", vec![lxc::node()], time)
            .every("/nodes/{node}", &["Sys.Audit"]),
    ]
}

/// `GET /nodes/{node}/time`.
fn time(_: &Call) -> Result<ApiResponse> {
    let seconds = now().as_secs();
    Ok(json!({ "timezone": "UTC", "time": seconds, "localtime": seconds }).into())
}
