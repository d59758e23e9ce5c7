//! `/nodes/{node}/config`.

use serde_json::{Map, Value};

use super::with_node;
use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;
use crate::schema::choice;

/// The names of the options of a node.
const PROPERTIES: [&str; 12] = [
    "acme",
    "acmedomain0",
    "acmedomain1",
    "acmedomain2",
    "acmedomain3",
    "acmedomain4",
    "acmedomain5",
    "ballooning-target",
    "description",
    "location",
    "startall-onboot-delay",
    "wakeonlan",
];

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let property = with_node(vec![choice("property", &PROPERTIES)]);
    vec![Route::new("GET", "/nodes/{node}/config", property, config).every("/", &["Sys.Audit"])]
}

/// `GET /nodes/{node}/config`: always empty.
fn config(_: &Call) -> Result<ApiResponse> {
    Ok(Value::Object(Map::new()).into())
}
