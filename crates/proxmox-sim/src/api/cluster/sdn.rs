//! `/cluster/sdn`. Plain bridges only, so there are no zones and no virtual networks.

use crate::api::empty_list;
use crate::route::Route;
use crate::schema::{boolean, choice};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let pending = || vec![boolean("pending"), boolean("running")];
    let zones = ["evpn", "faucet", "qinq", "simple", "vlan", "vxlan"];
    let mut zone = pending();
    zone.push(choice("type", &zones));
    vec![
        Route::new("GET", "/cluster/sdn/vnets", pending(), empty_list),
        Route::new("GET", "/cluster/sdn/zones", zone, empty_list),
    ]
}
