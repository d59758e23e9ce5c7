//! Requests that passed all checks, and the results of their handlers.

use std::sync::Arc;

use serde_json::Value;

use crate::access::auth::{Caller, has_privilege};
use crate::cluster::core::Core;
use crate::cluster::state::State;
use crate::faults::TaskFailure;
use crate::params::Params;
use crate::tasks::TaskSpec;

/// A request that passed all checks before the handler.
pub(crate) struct Call {
    pub(crate) core: Arc<Core>,
    pub(crate) method: &'static str,
    pub(crate) caller: Caller,
    pub(crate) params: Params,
    /// If set, the task that the request starts fails this way.
    pub(crate) failure: Option<TaskFailure>,
}

impl Call {
    /// The name of the node in the URL. `localhost` is the node that serves the request.
    pub(crate) fn node(&self) -> &str {
        let name = self.params.text("node");
        self.core.node(name).map_or(name, |node| node.name.as_str())
    }

    /// Whether the caller has a privilege at a path.
    pub(crate) fn has_privilege(&self, state: &State, path: &str, privilege: &str) -> bool {
        has_privilege(&state.directory, &self.caller, path, privilege)
    }

    /// Whether the caller may see a storage.
    pub(crate) fn can_see_storage(&self, state: &State, name: &str) -> bool {
        let path = format!("/storage/{name}");
        ["Datastore.Audit", "Datastore.AllocateSpace"]
            .iter()
            .any(|privilege| self.has_privilege(state, &path, privilege))
    }

    /// A task specification for the node in the URL.
    pub(crate) fn spec<'a>(&'a self, kind: &'static str, id: &'a str) -> TaskSpec<'a> {
        TaskSpec {
            node: self.node(),
            kind,
            id,
            caller: &self.caller,
            failure: self.failure.clone(),
        }
    }
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
