//! `/cluster/ha`. No resources are managed.

use serde_json::json;

use crate::api::empty_list;
use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;
use crate::schema::choice;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let kind = vec![choice("type", &["ct", "vm"])];
    vec![
        Route::new("GET", "/cluster/ha/resources", kind, empty_list).every("/", &["Sys.Audit"]),
        Route::new("GET", "/cluster/ha/status/current", vec![], availability)
            .every("/", &["Sys.Audit"]),
    ]
}

/// `GET /cluster/ha/status/current`: no resources are managed.
fn availability(call: &Call) -> Result<ApiResponse> {
    let nodes = &call.core.config.scenario.nodes;
    let first = nodes.first().map_or("", |node| node.name.as_str());
    Ok(json!([
        { "id": "quorum", "type": "quorum", "node": first, "quorate": 1, "status": "OK" },
        {
            "id": "fencing", "type": "fencing", "node": first, "armed-state": "standby",
            "status": "standby (CRM watchdog standby)",
        },
    ])
    .into())
}
