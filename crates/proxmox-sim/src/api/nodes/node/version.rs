//! `/nodes/{node}/version`.

use crate::api::version::version;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        "GET",
        "/nodes/{node}/version",
        vec![lxc::node()],
        version,
    )]
}
