//! `/cluster/tasks`.

use serde_json::Value;

use crate::call::{ApiResponse, Call};
use crate::cluster::task::Task;
use crate::error::Result;
use crate::route::Route;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new("GET", "/cluster/tasks", vec![], recent)]
}

/// `GET /cluster/tasks`: the latest tasks of all nodes. Without `Sys.Audit` the caller sees only
/// their own tasks.
fn recent(call: &Call) -> Result<ApiResponse> {
    const SHOWN: usize = 25;
    let entries: Vec<Value> = call.core.read(|state| {
        let is_visible = |task: &&Task| {
            let all = call.has_privilege(state, &format!("/nodes/{}", task.node), "Sys.Audit");
            all || task.caller.user() == call.caller.id
        };
        let tasks = state.tasks.iter().rev().filter(is_visible).take(SHOWN);
        tasks.map(Task::list_entry).collect()
    });
    Ok(Value::from(entries).into())
}
