//! `/nodes/{node}/subscription`.

use serde_json::json;

use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        "GET",
        "/nodes/{node}/subscription",
        vec![lxc::node()],
        subscription,
    )]
}

/// `GET /nodes/{node}/subscription`: no subscription.
fn subscription(_: &Call) -> Result<ApiResponse> {
    Ok(json!({
        "status": "notfound",
        "message": "There is no subscription key",
        "serverid": null,
        "url": "https://www.proxmox.com/en/proxmox-virtual-environment/pricing",
    })
    .into())
}
