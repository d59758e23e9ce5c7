//! The route table: method, path, parameters and handler. Unknown routes return 501.

mod access;
mod cluster;
mod copies;
mod lxc;
mod nodes;
mod storage;

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::access::auth::{AccessRule, Caller};
use crate::cluster::core::Core;
use crate::error::Result;
use crate::faults::TaskFailure;
use crate::http::params::Params;
use crate::schema::view::RouteView;
use crate::schema::{Property, Schema};

/// A request that passed all checks before the handler.
pub(crate) struct Call {
    pub(crate) core: Arc<Core>,
    pub(crate) method: &'static str,
    pub(crate) caller: Caller,
    pub(crate) params: Params,
    /// If set, the task that the request starts fails this way.
    pub(crate) failure: Option<TaskFailure>,
}

/// The result of a handler.
pub(crate) struct ApiResponse {
    pub(crate) data: Value,
    /// The total number of entries, for paginated lists.
    pub(crate) total: Option<usize>,
    /// The pending changes, for network configurations.
    pub(crate) changes: Option<String>,
    /// Whether the connection is upgraded to WebSocket.
    pub(crate) upgrades: bool,
}

impl ApiResponse {
    /// An empty result: null.
    pub(crate) fn null() -> Self {
        Value::Null.into()
    }
}

impl From<Value> for ApiResponse {
    fn from(data: Value) -> Self {
        Self {
            data,
            total: None,
            changes: None,
            upgrades: false,
        }
    }
}

type Handler = fn(&Call) -> Result<ApiResponse>;

/// A route of the API.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    path: &'static str,
    pub(crate) schema: Schema,
    /// Whether the request locks the container's configuration.
    pub(crate) locks: bool,
    /// What the route requires of its caller.
    pub(crate) access_rule: AccessRule,
    /// Whether API tokens are rejected.
    pub(crate) ticket_only: bool,
    pub(crate) handler: Handler,
}

impl Route {
    fn new(
        method: &'static str,
        path: &'static str,
        properties: Vec<Property>,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            schema: Schema::new(properties),
            locks: false,
            access_rule: AccessRule::All,
            ticket_only: false,
            handler,
        }
    }

    fn locking(mut self) -> Self {
        self.locks = true;
        self
    }

    /// Requires all of these privileges at a path.
    fn every(self, path: &'static str, privileges: &'static [&'static str]) -> Self {
        self.access_rule(AccessRule::Every(path, privileges))
    }

    /// Requires one of these privileges at a path.
    fn any(self, path: &'static str, privileges: &'static [&'static str]) -> Self {
        self.access_rule(AccessRule::Any(path, privileges))
    }

    fn access_rule(mut self, access_rule: AccessRule) -> Self {
        self.access_rule = access_rule;
        self
    }

    fn ticket_only(mut self) -> Self {
        self.ticket_only = true;
        self
    }

    /// The path parameters if the path matches. `{volume}` at the end matches all remaining
    /// segments.
    fn match_path(&self, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
        let mut variables = Vec::new();
        let mut rest = segments.iter();
        for part in self.path.split('/').filter(|part| !part.is_empty()) {
            let Some(name) = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'))
            else {
                rest.next().filter(|segment| **segment == part)?;
                continue;
            };
            if name == "volume" {
                let taken: Vec<&str> = rest.by_ref().copied().collect();
                variables.push((name, Some(taken.join("/")).filter(|all| !all.is_empty())?));
            } else {
                variables.push((name, (*rest.next()?).to_owned()));
            }
        }
        rest.next().is_none().then_some(variables)
    }
}

/// All routes. The first match wins.
fn table() -> &'static [Route] {
    static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
        let mut routes = cluster::routes();
        routes.extend(nodes::routes());
        routes.extend(storage::routes());
        routes.extend(lxc::routes());
        routes.extend(access::routes());
        routes.extend(copies::routes());
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

/// Adds the node and VMID of the path to the properties.
fn with_address(more: Vec<Property>) -> Vec<Property> {
    let mut properties = crate::schema::lxc::address();
    properties.extend(more);
    properties
}
