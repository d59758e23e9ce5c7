//! `/nodes/{node}/termproxy`, and opening consoles in general: a ticket and a port that waits for a
//! connection.

use std::time::Duration;

use serde_json::{Map, Value};

use super::with_node;
use crate::call::{ApiResponse, Call};
use crate::clock::now;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{choice, text};
use crate::tasks::{self, Run};

/// How long a port waits for a connection.
const WAIT: Duration = Duration::from_secs(10);

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let command = with_node(vec![
        choice("cmd", &["ceph_install", "login", "upgrade"]),
        text("cmd-opts").requires("cmd"),
    ]);
    vec![
        Route::new("POST", "/nodes/{node}/termproxy", command, shell)
            .every("/nodes/{node}", &["Sys.Console"]),
    ]
}

/// Allocates a port and starts the task that keeps it open.
pub(crate) fn open_console(
    call: &Call,
    path: &str,
    (kind, id): (&'static str, &str),
) -> Result<Map<String, Value>> {
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

/// `POST /nodes/{node}/termproxy`: a shell on the node.
fn shell(call: &Call) -> Result<ApiResponse> {
    let path = format!("/nodes/{}", call.node());
    Ok(Value::from(open_console(call, &path, ("vncshell", ""))?).into())
}
