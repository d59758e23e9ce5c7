//! A route of the API: method, path, parameters, access rule and handler.

use crate::access::auth::AccessRule;
use crate::call::{ApiResponse, Call};
use crate::error::Result;
use crate::schema::{Property, Schema};

/// The function that serves the requests of a route.
pub(crate) type Handler = fn(&Call) -> Result<ApiResponse>;

/// A route of the API.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
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
    /// Creates a route that any authenticated caller may use.
    pub(crate) fn new(
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

    /// Locks the container's configuration during the request.
    pub(crate) fn locking(mut self) -> Self {
        self.locks = true;
        self
    }

    /// Requires all of these privileges at a path.
    pub(crate) fn every(self, path: &'static str, privileges: &'static [&'static str]) -> Self {
        self.access_rule(AccessRule::Every(path, privileges))
    }

    /// Requires one of these privileges at a path.
    pub(crate) fn any(self, path: &'static str, privileges: &'static [&'static str]) -> Self {
        self.access_rule(AccessRule::Any(path, privileges))
    }

    /// Sets what the route requires of its caller.
    pub(crate) fn access_rule(mut self, access_rule: AccessRule) -> Self {
        self.access_rule = access_rule;
        self
    }

    /// Rejects API tokens.
    pub(crate) fn ticket_only(mut self) -> Self {
        self.ticket_only = true;
        self
    }

    /// The path parameters if the path matches. `{volume}` at the end matches all remaining
    /// segments.
    pub(crate) fn match_path(&self, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
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
