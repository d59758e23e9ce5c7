//! `/cluster/replication`. Not simulated: always empty.

use crate::api::empty_list;
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        "GET",
        "/cluster/replication",
        vec![],
        empty_list,
    )]
}
