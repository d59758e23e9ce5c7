//! `/cluster/firewall`.

mod options;

use crate::route::Route;

/// The routes of this level and below.
pub(super) fn routes() -> Vec<Route> {
    options::routes()
}
