//! Change notifications for browsers: which object changed, never its content. The browser requests
//! the content again, so notifications bypass no permission check.

use serde::{Deserialize, Serialize};

use crate::permissions::Rule;

macro_rules! topics {
    ($($(#[$doc:meta])* $topic:ident => $rule:ident,)*) => {
        /// The kind of object that changed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Topic { $($(#[$doc])* $topic),* }

        impl Topic {
            /// Every topic.
            pub const ALL: &[Self] = &[$(Self::$topic),*];

            /// Who receives events of this topic about one object: those who may see it.
            pub const fn rule(self) -> Rule {
                match self { $(Self::$topic => Rule::$rule),* }
            }
        }
    };
}

topics! {
    /// A container: desired or observed state.
    Container => OwnerOrOperator,
    /// A job's state or steps.
    Job => OwnerOrOperator,
    /// New lines in a job's log.
    JobLog => OwnerOrOperator,
    /// Clusters and their nodes.
    Nodes => Operator,
    /// Sites.
    Site => Member,
    /// Domains of sites.
    Domain => Member,
    /// Certificates of domains.
    Certificate => Operator,
    /// Certificate authorities.
    Authority => Operator,
    /// DNS providers.
    Provider => Operator,
    /// Hosts.
    Host => Operator,
    /// The agent of a host polled.
    Contact => Operator,
    /// Users.
    User => OwnerOrAdministrator,
    /// Sessions of a user; the ID is the user's.
    Session => OwnerOrAdministrator,
    /// Invitations.
    Invitation => Administrator,
}

/// A change notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// The kind of object.
    pub topic: Topic,
    /// The object's ID; `None` means any number of objects of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
}

impl Event {
    /// A change of one object.
    pub fn of(topic: Topic, id: i64) -> Self {
        Self {
            topic,
            id: Some(id),
        }
    }

    /// A change of any number of objects.
    pub fn all(topic: Topic) -> Self {
        Self { topic, id: None }
    }
}
