//! `/nodes/{node}/tasks`: task lists, task status and task logs.

use serde_json::{Value, json};

use crate::call::{ApiResponse, Call};
use crate::cluster::task::Task;
use crate::error::{ApiError, Result};
use crate::params::Params;
use crate::route::Route;
use crate::schema::format::split_list;
use crate::schema::{boolean, choice, integer, lxc, named, text};
use crate::tasks::is_upid;

/// Default number of entries.
const PAGE: u64 = 50;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let paging = || vec![integer("start").min(0), integer("limit").min(0)];
    let mut filters = vec![
        lxc::node(),
        boolean("errors"),
        integer("since"),
        choice("source", &["archive", "active", "all"]),
        text("statusfilter").list(named::TASK_STATUS),
        text("typefilter"),
        integer("until"),
        text("userfilter"),
        lxc::vmid("vmid"),
    ];
    filters.extend(paging());
    let of_task = || vec![lxc::node(), text("upid").required()];
    let mut lines = of_task();
    lines.extend(paging());
    lines.push(boolean("download"));
    let item = "/nodes/{node}/tasks/{upid}";
    vec![
        Route::new("GET", "/nodes/{node}/tasks", filters, list),
        Route::new("GET", item, of_task(), index),
        Route::new(
            "GET",
            "/nodes/{node}/tasks/{upid}/status",
            of_task(),
            status,
        ),
        Route::new("GET", "/nodes/{node}/tasks/{upid}/log", lines, log),
        Route::new("DELETE", item, of_task(), kill),
    ]
}

/// `GET /nodes/{node}/tasks`, newest first. Running tasks are only in the source `active` or `all`.
fn list(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let (skipped, limit_or_all) = page(params);
    call.core.read(|state| {
        let all = call.has_privilege(state, &format!("/nodes/{}", call.node()), "Sys.Audit");
        let matching: Vec<&Task> = state
            .tasks
            .iter()
            .rev()
            .filter(|task| all || task.caller.user() == call.caller.id)
            .filter(|task| task.node == call.node() && matches_filters(task, params))
            .collect();
        let entries = matching
            .iter()
            .skip(skipped)
            .take(limit_or_all)
            .map(|task| task.list_entry())
            .collect();
        Ok(ApiResponse {
            total: Some(matching.len()),
            ..Value::Array(entries).into()
        })
    })
}

fn page(params: &Params) -> (usize, usize) {
    let read = |name, default| {
        usize::try_from(params.number(name).unwrap_or(default)).unwrap_or(usize::MAX)
    };
    (read("start", 0), read("limit", PAGE))
}

fn matches_filters(task: &Task, params: &Params) -> bool {
    let source = params.get("source").unwrap_or("archive");
    let in_source = match &task.outcome {
        Some(_) => source != "active",
        None => source != "archive",
    };
    let status = task
        .outcome
        .as_ref()
        .map_or("unknown", |outcome| status_type(&outcome.status));
    let wanted_status = params.get("statusfilter").is_none_or(|filter| {
        split_list(filter).any(|requested| requested.eq_ignore_ascii_case(status))
    });
    let failed = status == "error" || status == "unknown";
    in_source
        && wanted_status
        && (!params.flag("errors") || failed)
        && params
            .number("since")
            .is_none_or(|since| task.start >= since)
        && params
            .number("until")
            .is_none_or(|until| task.start <= until)
        && params
            .get("typefilter")
            .is_none_or(|kind| kind == task.kind)
        && params
            .get("userfilter")
            .is_none_or(|part| task.caller.id.contains(part))
        && params.get("vmid").is_none_or(|vmid| vmid == task.id)
}

fn status_type(status: &str) -> &'static str {
    match status {
        "OK" => "ok",
        "unexpected status" => "unknown",
        _ if status.starts_with("WARNINGS: ") => "warning",
        _ => "error",
    }
}

/// Calls `read` with the task in the URL, or fails if it does not exist.
fn with_task<T>(call: &Call, read: impl FnOnce(&Task) -> T) -> Result<T> {
    let upid = call.params.text("upid");
    if !is_upid(upid) {
        return Err(ApiError::parameter("upid", "unable to parse worker upid"));
    }
    let missing = || ApiError::parameter("upid", "no such task");
    call.core
        .read(|state| state.task(upid).map(read).ok_or_else(missing))
}

/// `GET …/tasks/{upid}`: the subdirectories.
fn index(_: &Call) -> Result<ApiResponse> {
    Ok(json!([{ "name": "log" }, { "name": "status" }]).into())
}

/// `GET …/status`.
fn status(call: &Call) -> Result<ApiResponse> {
    with_task(call, Task::status).map(ApiResponse::from)
}

/// `GET …/log`. The log of an unknown task is one line with an error. A limit of 0 returns all
/// lines.
fn log(call: &Call) -> Result<ApiResponse> {
    let lines = match with_task(call, |task| task.log.clone()) {
        Err(ApiError::Parameters(problems))
            if problems.values().any(|problem| problem == "no such task") =>
        {
            vec!["unable to open file - No such file or directory".to_owned()]
        }
        other => other?,
    };
    let lines = if lines.is_empty() {
        vec!["no content".to_owned()]
    } else {
        lines
    };
    let (skipped, limit) = page(&call.params);
    let limit_or_all = if limit == 0 { usize::MAX } else { limit };
    let entries = lines.iter().enumerate().skip(skipped).take(limit_or_all);
    let data = entries
        .map(|(index, text)| json!({ "n": index + 1, "t": text }))
        .collect();
    Ok(ApiResponse {
        total: Some(lines.len()),
        ..Value::Array(data).into()
    })
}

/// `DELETE …`: cancels a running task, which then cleans up.
fn kill(call: &Call) -> Result<ApiResponse> {
    with_task(call, |task| task.kill.cancel()).map(|()| ApiResponse::null())
}
