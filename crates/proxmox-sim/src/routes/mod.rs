//! The table of calls: method, path, parameters and handler. Whatever is not in it is a 501.

mod access;
mod cluster;
mod copies;
mod lxc;
mod nodes;
mod storage;

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::auth::{Caller, Permit};
use crate::core::Core;
use crate::error::Result;
use crate::fault::Doom;
use crate::params::Params;
use crate::schema::view::RouteView;
use crate::schema::{Property, Schema};

/// A call that passed all checks before the handler.
pub(crate) struct Call {
    pub(crate) core: Arc<Core>,
    pub(crate) method: &'static str,
    pub(crate) caller: Caller,
    pub(crate) params: Params,
    /// When set, the task that the call starts fails in this way.
    pub(crate) doomed: Option<Doom>,
}

/// What a handler answers.
pub(crate) struct Answer {
    pub(crate) data: Value,
    /// Of how many the data is a part, where Proxmox says so.
    pub(crate) total: Option<usize>,
    /// What waits to be applied, where there is such a thing.
    pub(crate) changes: Option<String>,
    /// Whether the connection becomes a WebSocket.
    pub(crate) upgrades: bool,
}

impl Answer {
    /// The answer of calls that have nothing to say: null.
    pub(crate) fn nothing() -> Self {
        Value::Null.into()
    }
}

impl From<Value> for Answer {
    fn from(data: Value) -> Self {
        Self {
            data,
            total: None,
            changes: None,
            upgrades: false,
        }
    }
}

type Handler = fn(&Call) -> Result<Answer>;

/// One call of the API.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    path: &'static str,
    pub(crate) schema: Schema,
    /// Whether the call waits for the lock of the container's configuration.
    pub(crate) locks: bool,
    /// What it asks of the caller.
    pub(crate) permit: Permit,
    /// Whether a token will not do.
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
            permit: Permit::All,
            ticket_only: false,
            handler,
        }
    }

    fn locking(mut self) -> Self {
        self.locks = true;
        self
    }

    /// Asks for all of these privileges at a path.
    fn every(self, path: &'static str, privileges: &'static [&'static str]) -> Self {
        self.permit(Permit::Every(path, privileges))
    }

    /// Asks for one of these privileges at a path.
    fn any(self, path: &'static str, privileges: &'static [&'static str]) -> Self {
        self.permit(Permit::Any(path, privileges))
    }

    fn permit(mut self, permit: Permit) -> Self {
        self.permit = permit;
        self
    }

    fn ticket_only(mut self) -> Self {
        self.ticket_only = true;
        self
    }

    /// The variables in the path, if it fits. A last `{volume}` takes all that is left.
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

/// All calls. Where two fit, the first one counts.
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

/// The calls that are simulated and what they take, as plain data.
pub fn routes() -> Vec<RouteView> {
    let view = |route: &Route| RouteView {
        method: route.method,
        path: route.path,
        parameters: route.schema.view(),
    };
    table().iter().map(view).collect()
}

/// Finds the route of a method and path, and the variables in the path.
pub(crate) fn find(
    method: &str,
    segments: &[&str],
) -> Option<(&'static Route, Vec<(&'static str, String)>)> {
    table()
        .iter()
        .filter(|route| route.method == method)
        .find_map(|route| Some((route, route.match_path(segments)?)))
}

/// The node and number in an address, and more.
fn with_address(more: Vec<Property>) -> Vec<Property> {
    let mut properties = crate::schema::lxc::address();
    properties.extend(more);
    properties
}
