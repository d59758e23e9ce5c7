//! `/nodes/{node}/storage/{storage}/rrddata`.

use serde_json::json;

use super::{VIEW, with_storage};
use crate::api::nodes::node::rrddata::{rrd_parameters, rrd_points};
use crate::call::{ApiResponse, Call};
use crate::cluster::{usage, volumes};
use crate::error::Result;
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let frames = ["hour", "day", "week", "month", "year"];
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/storage/{storage}/rrddata",
            with_storage(rrd_parameters(&frames)),
            show,
        )
        .any("/storage/{storage}", VIEW),
    ]
}

/// `GET …/storage/{storage}/rrddata`.
fn show(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let storage = volumes::storage(state, call.params.text("storage"))?;
        let used = state.used(call.node(), storage);
        Ok(rrd_points(call, 0, |_| {
            usage::members(json!({ "used": used, "total": storage.total }))
        }))
    })
}
