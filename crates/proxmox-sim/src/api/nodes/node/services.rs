//! `/nodes/{node}/services`. Not simulated: always empty.

use crate::api::empty_list;
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/services",
            vec![lxc::node()],
            empty_list,
        )
        .every("/nodes/{node}", &["Sys.Audit"]),
    ]
}
