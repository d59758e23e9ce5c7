//! `/nodes/{node}/vncwebsocket`. No terminal is simulated: the connection is accepted and closed
//! immediately.

use super::with_node;
use crate::call::{ApiResponse, Call};
use crate::clock::now;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{Property, integer, text};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/vncwebsocket",
            with_node(connect_parameters()),
            connect,
        )
        .every("/nodes/{node}", &["Sys.Console"]),
    ]
}

/// The parameters of a console connection.
pub(crate) fn connect_parameters() -> Vec<Property> {
    vec![
        integer("port").min(5900).max(5999).required(),
        text("vncticket").length(0, 512).required(),
    ]
}

/// `GET …/vncwebsocket`. The ticket must match the caller, the path and the port.
pub(crate) fn connect(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let path = match params.get("vmid") {
        Some(vmid) => format!("/vms/{vmid}"),
        None => format!("/nodes/{}", call.node()),
    };
    let port = u16::try_from(params.number("port").unwrap_or_default()).unwrap_or_default();
    let key = &call.core.key;
    let subject = (call.caller.id.as_str(), path.as_str(), port);
    if !key.is_console(params.text("vncticket"), subject, now().as_secs()) {
        let message = "permission denied - invalid PVEVNC ticket";
        return Err(ApiError::Unauthorized(message));
    }
    let waited = call
        .core
        .edit_transient(|state| state.consoles.connect(port));
    if !waited {
        return Err(ApiError::failed("connect: Connection refused"));
    }
    Ok(ApiResponse {
        upgrades: true,
        ..ApiResponse::null()
    })
}
