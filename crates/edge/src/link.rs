//! The agent protocol: JSON over HTTPS. The agent always opens the connection; the manager never
//! connects to an edge host.

use std::{collections::BTreeMap, fmt};

use model::{clusters::Fingerprint, hosts::HostFacts, leases::Lease};
use serde::{Deserialize, Serialize};

use crate::{Layout, Snapshot};

/// Join endpoint: [`Joining`] in, [`Joined`] out; 401 when the join token is invalid.
pub const JOIN: &str = "/agent/v1/join";
/// Poll endpoint, authenticated: [`Asking`] in, [`Given`] out, or 204 after a timeout without
/// changes; 401 when the key is invalid.
pub const NEXT: &str = "/agent/v1/next";
/// Report endpoint, authenticated: a [`model::hosts::Report`] in, 204 out.
pub const REPORT: &str = "/agent/v1/report";

/// Live files endpoint, authenticated: a [`Live`] in, 204 out. For display only.
pub const LIVE: &str = "/agent/v1/live";
/// The maximum size of a reported file, in bytes. Larger files are omitted.
pub const LARGEST_FILE: usize = 2 * 1024 * 1024;
/// The maximum number of files stored for one agent.
pub const MOST_FILES: usize = 50_000;
/// The maximum length of a path, in bytes.
pub const LONGEST_PATH: usize = 400;

/// Live files that changed since the last batch. Rendered text only: certificate keys are not part
/// of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Whether this batch replaces everything that was reported before.
    pub begins: bool,
    /// New and changed files, by path.
    pub files: BTreeMap<String, String>,
    /// Paths of removed files.
    pub gone: Vec<String>,
}
/// Leases endpoint for the agent of the DHCP server: all current [`Leases`] in, 204 out.
pub const LEASES: &str = "/agent/v1/leases";

/// Certificates endpoint, authenticated: [`Wanted`] in, [`Pairs`] out. Only certificates of the
/// agent's site are returned.
pub const CERTIFICATES: &str = "/agent/v1/certificates";
/// The maximum number of certificates per request.
pub const MOST_CERTIFICATES: usize = 50;

/// A request for certificates that the agent does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Fingerprints of the certificates.
    pub certificates: Vec<Fingerprint>,
}

/// The requested certificates that the manager has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// The certificates with their keys.
    pub pairs: Vec<Pair>,
}

/// A certificate with its key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The certificate's fingerprint.
    pub certificate: Fingerprint,
    /// The certificate chain, in PEM.
    pub chain: String,
    /// The private key, in PEM.
    pub key: String,
}

/// Omits the secret key.
impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// A request to join a site.
#[derive(Clone, Serialize, Deserialize)]
pub struct Joining {
    /// The join token.
    pub word: String,
    /// Facts about the host.
    pub about: HostFacts,
    /// The layout of the host.
    pub layout: Layout,
}

/// The response to a join request.
#[derive(Clone, Serialize, Deserialize)]
pub struct Joined {
    /// The agent's key, sent as `Authorization: Bearer KEY`. Returned only once.
    pub key: String,
}

/// A poll for a new site configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asking {
    /// Facts about the host.
    pub about: HostFacts,
    /// The layout of the host.
    pub layout: Layout,
    /// The generation that the agent has, if any.
    pub has: Option<i64>,
}

/// A site configuration with its generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The site's generation.
    pub generation: i64,
    /// The site configuration.
    pub snapshot: Snapshot,
}

/// The current DHCP leases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leases {
    /// All leases.
    pub leases: Vec<Lease>,
}
