//! The API: one file or directory per path segment, with the routes of its level and their
//! handlers. Handlers read or change the cluster and return immediately. Operations that take time
//! run as tasks, whose work is in [`crate::tasks`].
//!
//! `/nodes/{node}/lxc/{vmid}/status/start` is in `nodes/node/lxc/status.rs`. A dash becomes an
//! underscore. Of the path parameters only `{node}` is a directory.

mod access;
mod cluster;
mod nodes;
mod pools;
mod storage;
mod version;

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::route::Route;
use crate::schema::view::RouteView;

/// All routes. The first match wins.
fn table() -> &'static [Route] {
    static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
        let mut routes = vec![Route::new("GET", "/", vec![], index)];
        routes.extend(access::routes());
        routes.extend(cluster::routes());
        routes.extend(nodes::routes());
        routes.extend(pools::routes());
        routes.extend(storage::routes());
        routes.extend(version::routes());
        routes
    });
    &ROUTES
}

/// The simulated routes and their parameters as plain data.
pub fn routes() -> Vec<RouteView> {
    let view = |route: &Route| RouteView {
        method: route.method,
        path: route.path,
        parameters: route.schema.view(),
    };
    table().iter().map(view).collect()
}

/// Finds the route for a method and path, and its path parameters.
pub(crate) fn find(
    method: &str,
    segments: &[&str],
) -> Option<(&'static Route, Vec<(&'static str, String)>)> {
    table()
        .iter()
        .filter(|route| route.method == method)
        .find_map(|route| Some((route, route.match_path(segments)?)))
}

/// `GET /`: the top-level directories of the API.
fn index(_: &Call) -> Result<ApiResponse> {
    let parts = ["version", "cluster", "nodes", "storage", "access", "pools"];
    Ok(index_entries("subdir", &parts))
}

/// The entries of an index: the names of its subdirectories under a key.
pub(crate) fn index_entries(key: &str, names: &[&str]) -> ApiResponse {
    let part = |name: &&str| json!({ key: name });
    Value::from(names.iter().map(part).collect::<Vec<_>>()).into()
}

/// An empty list, for features that are not simulated.
pub(crate) fn empty_list(_: &Call) -> Result<ApiResponse> {
    Ok(Value::Array(Vec::new()).into())
}
