//! `/nodes/{node}/lxc/{vmid}/feature`.

use serde_json::json;

use super::with_address;
use crate::call::{ApiResponse, Call};
use crate::cluster::lookup::container;
use crate::cluster::volumes;
use crate::error::Result;
use crate::route::Route;
use crate::schema::{choice, named, text};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let feature_name = with_address(vec![
        choice("feature", &["snapshot", "clone", "copy"]).required(),
        text("snapname").format(named::CONFIG_ID).length(0, 40),
    ]);
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/lxc/{vmid}/feature",
            feature_name,
            feature,
        )
        .every("/vms/{vmid}", &["VM.Audit"]),
    ]
}

/// `GET …/feature`: whether the container supports a feature.
fn feature(call: &Call) -> Result<ApiResponse> {
    call.core.read(|state| {
        let container = container(state, call.node(), call.params.vmid())?;
        let copies = call.params.text("feature") == "copy" && !container.is_running();
        let supported = copies || volumes::supports_snapshots(state, container);
        Ok(json!({ "hasFeature": u8::from(supported) }).into())
    })
}
