//! `/cluster/log`.

use serde_json::{Value, json};

use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;
use crate::schema::integer;

/// Default number of log entries.
const SHOWN: usize = 50;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        "GET",
        "/cluster/log",
        vec![integer("max").min(1)],
        log,
    )]
}

/// `GET /cluster/log`, newest first. Without `Sys.Syslog` the caller sees only their own entries.
fn log(call: &Call) -> Result<ApiResponse> {
    let limit = call.params.number("max");
    let limit = limit.map_or(SHOWN, |limit| usize::try_from(limit).unwrap_or(SHOWN));
    let entries: Vec<Value> = call.core.read(|state| {
        let all = call.has_privilege(state, "/", "Sys.Syslog");
        let entries = state.journal.entries();
        let visible = entries.filter(|entry| all || entry.user == call.caller.id);
        let page = visible.take(limit).map(|entry| {
            json!({
                "uid": entry.number.to_string(),
                "id": format!("{}:{}", entry.number, entry.node),
                "time": entry.time, "node": entry.node, "user": entry.user,
                "msg": entry.message, "pri": 6, "pid": 338, "tag": "pvedaemon",
            })
        });
        page.collect()
    });
    Ok(Value::from(entries).into())
}
