//! Observations of a host: the files that are live, and the DHCP leases.

use std::collections::BTreeMap;

use model::dhcp_leases::Lease;
use serde::{Deserialize, Serialize};

/// A batch of changes of the live files. Rendered text only: certificate keys are not part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveFilesUpdate {
    /// Whether this batch replaces everything that was reported before.
    pub replace: bool,
    /// New and changed files, by path.
    pub files: BTreeMap<String, String>,
    /// Paths of removed files.
    pub removed: Vec<String>,
}

/// The current DHCP leases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeasesReport {
    /// All leases.
    pub leases: Vec<Lease>,
}
