//! `/nodes/{node}/storage/{storage}/status`.

use super::{VIEW, status_json, with_storage};
use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/storage/{storage}/status",
            with_storage(vec![]),
            status,
        )
        .any("/storage/{storage}", VIEW),
    ]
}

/// `GET …/status`. An unknown storage is a parameter error.
fn status(call: &Call) -> Result<ApiResponse> {
    let name = call.params.text("storage");
    call.core.read(|state| {
        let storage = state.storages.get(name);
        let storage = storage.ok_or_else(|| ApiError::parameter("storage", "No such storage."))?;
        Ok(status_json(state, call.node(), storage).into())
    })
}
