//! `/nodes/{node}/lxc/{vmid}/vncwebsocket`.

use super::with_address;
use crate::api::nodes::node::vncwebsocket::{connect, connect_parameters};
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/vncwebsocket",
            with_address(connect_parameters()),
            connect,
        )
        .every("/vms/{vmid}", &["VM.Console"]),
    ]
}
