//! The files of an edge host: as they should be, and as they are live.

use serde::{Deserialize, Serialize};

use super::AgentRow;
use crate::page::Page;

/// Which files are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileQuery {
    /// What their paths contain.
    #[serde(default)]
    pub q: String,
    /// The page, from 1.
    #[serde(default)]
    pub page: u32,
}

/// How a file is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// As it should be.
    Live,
    /// Otherwise than it should be.
    Changed,
    /// Not at all, and it should be.
    New,
    /// It is, and should not be any more.
    Gone,
}

/// A file in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// Its path within the tree, such as `nginx/nginx.conf`.
    pub path: String,
    /// How it is live.
    pub state: FileState,
    /// How large it is, in bytes.
    pub bytes: u64,
}

/// Part of a list of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// How many of all files are otherwise than they should be.
    pub differing: u64,
    /// How many there are.
    pub all: u64,
    /// Whether the agent has told what is live.
    pub is_told: bool,
    /// Those that were asked for.
    pub page: Page<FileRow>,
}

/// An agent and the files of its host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Files {
    /// The agent.
    pub agent: AgentRow,
    /// The files.
    pub listed: Listed,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its path.
    pub path: String,
    /// How it is live.
    pub state: FileState,
    /// As it should be; as it is, when it should not be any more.
    pub text: String,
    /// What would change.
    pub hunks: Vec<Hunk>,
}

/// Changed lines that lie together, with some around them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// The number of the first line in the file as it should be.
    pub at: u32,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What becomes of it.
    pub mark: Mark,
    /// The line without its end.
    pub text: String,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Nothing.
    Same,
    /// It is new.
    Added,
    /// It goes.
    Removed,
}
