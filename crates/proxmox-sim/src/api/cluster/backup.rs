//! `/cluster/backup`. Not simulated: always empty.

use crate::api::empty_list;
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new("GET", "/cluster/backup", vec![], empty_list).every("/", &["Sys.Audit"])]
}
