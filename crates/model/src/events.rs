//! What the one event stream of a browser says: which thing changed, never its content. The
//! browser asks again for what it shows, so no right can be got around by listening.

use serde::{Deserialize, Serialize};

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// A container: what should be or what is observed.
    Container,
    /// A job's state or steps.
    Job,
    /// New lines in a job's log.
    JobLog,
    /// Clusters and their nodes.
    Nodes,
    /// Sites.
    Site,
    /// Domains of sites.
    Domain,
    /// Certificates of domains.
    Certificate,
    /// Authorities that give certificates.
    Authority,
    /// Providers of DNS.
    Provider,
    /// Edge hosts' agents.
    Agent,
    /// An edge host's agent was heard.
    Contact,
    /// People's accounts.
    User,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// What kind of thing.
    pub topic: Topic,
    /// Its key; none means any number of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
}

impl Event {
    /// A change of one thing.
    pub fn of(topic: Topic, id: i64) -> Self {
        Self {
            topic,
            id: Some(id),
        }
    }

    /// A change of any number of things.
    pub fn all(topic: Topic) -> Self {
        Self { topic, id: None }
    }
}
