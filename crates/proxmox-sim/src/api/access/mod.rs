//! Version, API index, and the handlers under `/access` and `/pools`.

pub(crate) mod acl;
pub(crate) mod groups;
pub(crate) mod pools;
pub(crate) mod realms;
pub(crate) mod tickets;
pub(crate) mod tokens;
pub(crate) mod users;

use serde_json::json;

use crate::error::Result;
use crate::routes::{ApiResponse, Call};

/// `GET /version`.
pub(crate) fn version(_: &Call) -> Result<ApiResponse> {
    Ok(json!({ "version": "9.2.11", "release": "9.2", "repoid": "14a22df35955" }).into())
}

/// `GET /`: the top-level directories of the API.
pub(crate) fn index(_: &Call) -> Result<ApiResponse> {
    let parts = ["version", "cluster", "nodes", "storage", "access", "pools"];
    let parts: Vec<_> = parts.iter().map(|part| json!({ "subdir": part })).collect();
    Ok(serde_json::Value::from(parts).into())
}
