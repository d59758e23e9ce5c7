//! The generated files of an edge host: desired content compared with live content.

use serde::{Deserialize, Serialize};

use super::HostRow;
use crate::page::Page;

/// A query for a list of files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileQuery {
    /// A substring of the path.
    #[serde(default)]
    pub q: String,
    /// The page number, starting at 1.
    #[serde(default)]
    pub page: u32,
}

/// How the live file differs from the desired file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// The contents are equal.
    Live,
    /// The contents differ.
    Changed,
    /// The file is desired and does not exist yet.
    New,
    /// The file exists and is no longer desired.
    Gone,
}

/// A file, for lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// The path in the configuration tree, such as `nginx/nginx.conf`.
    pub path: String,
    /// How the live file differs.
    pub state: FileState,
    /// The size in bytes.
    pub bytes: u64,
}

/// One page of a list of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileList {
    /// The number of all files that differ from their desired content.
    pub differing: u64,
    /// The number of all files.
    pub all: u64,
    /// Whether the agent has reported its live files.
    pub is_reported: bool,
    /// The matching files.
    pub page: Page<FileRow>,
}

/// A host and its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostFiles {
    /// The host.
    pub host: HostRow,
    /// The files.
    pub list: FileList,
}

/// A file with its difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// The path in the configuration tree.
    pub path: String,
    /// How the live file differs.
    pub state: FileState,
    /// The desired content; the live content if the file is no longer desired.
    pub text: String,
    /// The differences.
    pub hunks: Vec<Hunk>,
}

/// A group of changed lines with context lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// The line number of the first line in the desired file.
    pub at: u32,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The kind of change.
    pub mark: LineChange,
    /// The line without its line break.
    pub text: String,
}

/// The kind of change of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineChange {
    /// Context, unchanged.
    Same,
    /// Added.
    Added,
    /// Removed.
    Removed,
}
