//! Polling: the request that the manager holds until it has a new configuration.

use edge::SiteConfig;
use serde::{Deserialize, Serialize};

use crate::HostDescription;

/// A poll for a new configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollRequest {
    /// The host, in the same JSON object.
    #[serde(flatten)]
    pub description: HostDescription,
    /// The generation that the agent has, if any.
    pub generation: Option<i64>,
}

/// A configuration with its generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollResponse {
    /// The generation.
    pub generation: i64,
    /// The site configuration of an edge host.
    pub config: SiteConfig,
}
