//! The query of a list of containers: filters, order and page.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Status;
use crate::{Invalid, names::Label};

/// The sort key of the container list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortKey {
    /// By name.
    #[default]
    Name,
    /// By creation time.
    Created,
    /// By the owner's name.
    Owner,
    /// By memory.
    Memory,
    /// By address.
    Address,
}

impl SortKey {
    /// Every key.
    pub const ALL: [Self; 5] = [
        Self::Name,
        Self::Created,
        Self::Owner,
        Self::Memory,
        Self::Address,
    ];

    /// The name in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Created => "created",
            Self::Owner => "owner",
            Self::Memory => "memory",
            Self::Address => "address",
        }
    }
}

/// A sort order, written `name` or `-created` in URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// The key.
    pub key: SortKey,
    /// Whether the order is descending.
    pub down: bool,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}",
            if self.down { "-" } else { "" },
            self.key.as_str()
        )
    }
}

impl FromStr for Sort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (down, word) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        SortKey::ALL
            .into_iter()
            .find(|key| key.as_str() == word)
            .map(|key| Self { key, down })
            .ok_or(Invalid::new("Use a sort order such as name or -created."))
    }
}

/// A query for a list of containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerQuery {
    /// Only containers of this site.
    pub site: Option<Label>,
    /// Only containers with this status.
    pub status: Option<Status>,
    /// A substring of name, owner, source or address.
    pub q: String,
    /// The order.
    pub sort: Sort,
    /// The page number, starting at 1.
    pub page: u32,
}
