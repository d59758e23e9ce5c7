//! `/nodes/{node}/rrddata`, and what all RRD statistics have in common: one data point per step, as
//! the round-robin databases of a node keep them. Points from before the node's start have no
//! values.

use serde_json::{Map, Value, json};

use super::with_node;
use crate::call::{ApiResponse, Call};
use crate::clock::now;
use crate::cluster::usage;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{Property, choice};

/// The number of data points.
const POINTS: u64 = 70;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let frames = ["hour", "day", "week", "month", "year", "decade"];
    vec![
        Route::new(
            "GET",
            "/nodes/{node}/rrddata",
            with_node(rrd_parameters(&frames)),
            show,
        )
        .every("/nodes/{node}", &["Sys.Audit"]),
    ]
}

/// The parameters of RRD statistics.
pub(crate) fn rrd_parameters(frames: &[&str]) -> Vec<Property> {
    vec![
        choice("timeframe", frames).required(),
        choice("cf", &["AVERAGE", "MAX"]),
    ]
}

/// Seconds between two points.
fn step(timeframe: &str) -> u64 {
    match timeframe {
        "hour" => 60,
        "day" => 1_800,
        "week" => 10_800,
        "month" => 43_200,
        "year" => 604_800,
        _ => 6_048_000,
    }
}

/// Data points up to now. Points before `since` (seconds since the Unix epoch) are empty.
pub(crate) fn rrd_points(
    call: &Call,
    since: u64,
    at: impl Fn(u64) -> Map<String, Value>,
) -> ApiResponse {
    let step = step(call.params.text("timeframe"));
    let last = now().as_secs() / step * step;
    let times = (0..POINTS).map(|index| last.saturating_sub((POINTS - 1 - index) * step));
    let points: Vec<Value> = times
        .map(|time| {
            let mut point = if time < since { Map::new() } else { at(time) };
            point.insert("time".into(), time.into());
            point.into()
        })
        .collect();
    Value::from(points).into()
}

/// `GET /nodes/{node}/rrddata`.
fn show(call: &Call) -> Result<ApiResponse> {
    let name = call.node();
    let node = call.core.node(name);
    let node = node.ok_or_else(|| ApiError::failed("no such node"))?;
    let since = now().saturating_sub(call.core.uptime(node)).as_secs();
    let (cpu, memory) = call.core.read(|state| usage::node_usage(state, node));
    Ok(rrd_points(call, since, |time| {
        let swing = 0.6 + 0.4 * usage::wave(node.cpus, time as f64);
        usage::members(json!({
            "cpu": cpu * swing, "maxcpu": node.cpus,
            "iowait": 0.0008, "loadavg": cpu * swing * f64::from(node.cpus),
            "memused": memory as f64 * swing, "memtotal": node.memory,
            "swapused": 0, "swaptotal": 0,
            "rootused": usage::root_used(node), "roottotal": node.disk,
            "netin": 2_310.0 * swing, "netout": 1_270.0 * swing,
        }))
    }))
}
