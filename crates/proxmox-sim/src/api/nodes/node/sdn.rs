//! `/nodes/{node}/sdn`.

use crate::api::index_entries;
use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        "GET",
        "/nodes/{node}/sdn",
        vec![lxc::node()],
        index,
    )]
}

/// `GET /nodes/{node}/sdn`.
fn index(_: &Call) -> Result<ApiResponse> {
    Ok(index_entries("name", &["fabrics", "vnets", "zones"]))
}
