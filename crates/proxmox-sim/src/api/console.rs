//! Consoles: a ticket and a port that waits for a connection. No terminal is simulated: the
//! connection is accepted and closed immediately.

use std::time::Duration;

use serde_json::{Map, Value};

use super::container;
use crate::cluster::core::now;
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::tasks::{self, Run};

/// How long a port waits for a connection.
const WAIT: Duration = Duration::from_secs(10);

/// Allocates a port and starts the task that keeps it open.
fn open(call: &Call, path: &str, (kind, id): (&'static str, &str)) -> Result<Map<String, Value>> {
    let (port, connected) = call
        .core
        .edit_transient(|state| state.consoles.open())
        .ok_or_else(|| ApiError::failed("unable to find free vnc port"))?;
    let work = move |run: Run| async move {
        let outcome = tokio::select! {
            () = connected.cancelled() => Ok(()),
            waited = run.pause(WAIT) => waited.and(Err("connection timed out".to_owned())),
        };
        run.core.edit_transient(|state| state.consoles.close(port));
        outcome
    };
    let upid = tasks::start(&call.core, &call.spec(kind, id), work);
    let time = now().as_secs();
    let ticket = call.core.key.console((&call.caller.id, path, port), time);
    let mut answer = Map::new();
    answer.insert("user".into(), call.caller.id.as_str().into());
    answer.insert("ticket".into(), ticket.into());
    // A string, although the API documentation declares an integer.
    answer.insert("port".into(), port.to_string().into());
    answer.insert("upid".into(), upid);
    Ok(answer)
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

fn open_container_console(call: &Call) -> Result<Map<String, Value>> {
    check_container_running(call)?;
    let vmid = call.params.text("vmid");
    open(call, &format!("/vms/{vmid}"), ("vncproxy", vmid))
}

/// `POST /nodes/{node}/lxc/{vmid}/termproxy`.
pub(crate) fn terminal(call: &Call) -> Result<ApiResponse> {
    Ok(Value::from(open_container_console(call)?).into())
}

/// `POST /nodes/{node}/lxc/{vmid}/vncproxy`. With `websocket` the response has a password, which
/// also precedes the ticket.
pub(crate) fn screen(call: &Call) -> Result<ApiResponse> {
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

/// `POST /nodes/{node}/termproxy`: a shell on the node.
pub(crate) fn shell(call: &Call) -> Result<ApiResponse> {
    let path = format!("/nodes/{}", call.node());
    Ok(Value::from(open(call, &path, ("vncshell", ""))?).into())
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

/// `POST /access/vncticket`: verifies a console ticket without authentication.
pub(crate) fn check(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let port = u16::try_from(params.number("port").unwrap_or_default()).unwrap_or_default();
    let subject = (params.text("authid"), params.text("path"), port);
    let valid = call
        .core
        .key
        .is_console(params.text("vncticket"), subject, now().as_secs());
    if valid {
        Ok(ApiResponse::null())
    } else {
        Err(ApiError::WrongPassword)
    }
}
