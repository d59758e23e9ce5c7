//! `/version`.

use serde_json::json;

use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new("GET", "/version", vec![], version)]
}

/// `GET /version`.
pub(super) fn version(_: &Call) -> Result<ApiResponse> {
    Ok(json!({ "version": "9.2.11", "release": "9.2", "repoid": "14a22df35955" }).into())
}
