//! `/nodes/{node}/lxc/{vmid}/vncproxy`: the console of a container over VNC.

use serde_json::Value;

use super::termproxy::open_container_console;
use super::with_address;
use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;
use crate::schema::{boolean, integer};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let size = with_address(vec![
        boolean("websocket"),
        integer("width").min(16).max(4096),
        integer("height").min(16).max(2160),
    ]);
    vec![
        Route::new("POST", "/nodes/{node}/lxc/{vmid}/vncproxy", size, screen)
            .every("/vms/{vmid}", &["VM.Console"]),
    ]
}

/// `POST /nodes/{node}/lxc/{vmid}/vncproxy`. With `websocket` the response has a password, which
/// also precedes the ticket.
fn screen(call: &Call) -> Result<ApiResponse> {
    let mut answer = open_container_console(call)?;
    answer.insert("cert".into(), "".into());
    if call.params.flag("websocket") {
        let letter = |_| char::from(b'!' + rand::random::<u8>() % 94);
        let password: String = (0..8).map(letter).collect();
        let ticket = answer.get("ticket").and_then(Value::as_str);
        let ticket = format!("{password}:{}", ticket.unwrap_or_default());
        answer.insert("password".into(), password.into());
        answer.insert("ticket".into(), ticket.into());
    }
    Ok(Value::from(answer).into())
}
