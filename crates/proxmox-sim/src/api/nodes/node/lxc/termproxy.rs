//! `/nodes/{node}/lxc/{vmid}/termproxy`: a terminal in a container.

use serde_json::{Map, Value};

use crate::api::nodes::node::termproxy::open_console;
use crate::call::{ApiResponse, Call};
use crate::cluster::lookup::container;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::lxc;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "POST",
            "/nodes/{node}/lxc/{vmid}/termproxy",
            lxc::address(),
            terminal,
        )
        .every("/vms/{vmid}", &["VM.Console"]),
    ]
}

/// Fails if the container is stopped.
fn check_container_running(call: &Call) -> Result<()> {
    let vmid = call.params.vmid();
    let runs = call
        .core
        .read(|state| Ok::<_, ApiError>(container(state, call.node(), vmid)?.is_running()))?;
    if runs {
        return Ok(());
    }
    let message = "Timeout while waiting for port '5900' to get ready!";
    Err(ApiError::failed(message))
}

/// Opens a console of the container in the URL.
pub(super) fn open_container_console(call: &Call) -> Result<Map<String, Value>> {
    check_container_running(call)?;
    let vmid = call.params.text("vmid");
    open_console(call, &format!("/vms/{vmid}"), ("vncproxy", vmid))
}

/// `POST /nodes/{node}/lxc/{vmid}/termproxy`.
fn terminal(call: &Call) -> Result<ApiResponse> {
    Ok(Value::from(open_container_console(call)?).into())
}
