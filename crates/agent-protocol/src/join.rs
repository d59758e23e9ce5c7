//! Joining: the exchange of a join token for the agent's key.

use edge::Layout;
use model::hosts::HostFacts;
use serde::{Deserialize, Serialize};

/// What the manager needs to know about a host. It is part of every join and poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostDescription {
    /// Facts about the host.
    pub host: HostFacts,
    /// The layout of an edge host; none for a host without this role.
    #[serde(default)]
    pub layout: Option<Layout>,
}

impl HostDescription {
    /// A host without any role.
    pub fn new(host: HostFacts) -> Self {
        Self { host, layout: None }
    }
}

/// A request to join a site.
#[derive(Clone, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The secret of the join token.
    pub token: String,
    /// The host, in the same JSON object.
    #[serde(flatten)]
    pub description: HostDescription,
}

/// The response to a join request.
#[derive(Clone, Serialize, Deserialize)]
pub struct JoinResponse {
    /// The agent's key, sent as `Authorization: Bearer KEY`. Returned only once.
    pub key: String,
}
