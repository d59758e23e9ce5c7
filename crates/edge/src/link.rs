//! What passes between the manager and an agent, as JSON over HTTPS. The agent asks, always: no
//! edge host is reached from outside for this.

use std::{collections::BTreeMap, fmt};

use model::{agents::About, clusters::Fingerprint, leases::Lease};
use serde::{Deserialize, Serialize};

use crate::{Layout, Snapshot};

/// Where an agent joins: [`Joining`] in, [`Joined`] out; 401 when the word is no good.
pub const JOIN: &str = "/agent/v1/join";
/// Where an agent asks for what it should serve, with its key: [`Asking`] in, [`Given`] out, or 204
/// when nothing changed for a while; 401 when the key is no good.
pub const NEXT: &str = "/agent/v1/next";
/// Where an agent says what became of it, with its key: a [`model::agents::Report`] in, 204 out.
pub const REPORT: &str = "/agent/v1/report";

/// Where an agent says which files are live on its host, with its key, once they are: a [`Live`] in,
/// 204 out. For people to look at; nothing depends on it.
pub const LIVE: &str = "/agent/v1/live";
/// The largest file that is told, in bytes. A larger one is left out.
pub const LARGEST_FILE: usize = 2 * 1024 * 1024;
/// The most files that are kept of one agent.
pub const MOST_FILES: usize = 50_000;
/// The longest path of a file, in bytes.
pub const LONGEST_PATH: usize = 400;

/// Files that are live on a host and were not so before, as far as was told. Only rendered text is
/// among them: keys of certificates are no part of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Whether what was told before counts no more.
    pub begins: bool,
    /// New and changed files, by path.
    pub files: BTreeMap<String, String>,
    /// Paths of files that are gone.
    pub gone: Vec<String>,
}
/// Where the agent that gives out addresses says which are lent, all of them, when that changes:
/// [`Leases`] in, 204 out.
pub const LEASES: &str = "/agent/v1/leases";

/// Where an agent asks for certificates with their keys, with its own: [`Wanted`] in, [`Pairs`] out.
/// Only those of its site are told.
pub const CERTIFICATES: &str = "/agent/v1/certificates";
/// How many certificates are asked for at once, at most.
pub const MOST_CERTIFICATES: usize = 50;

/// Certificates that an agent is to serve and does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Their fingerprints.
    pub certificates: Vec<Fingerprint>,
}

/// Those of them that there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// Each with its key.
    pub pairs: Vec<Pair>,
}

/// A certificate with its key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The certificate's fingerprint.
    pub certificate: Fingerprint,
    /// It and those that vouch for it, in PEM.
    pub chain: String,
    /// Its key, in PEM.
    pub key: String,
}

/// The key is a secret.
impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// An agent that joins.
#[derive(Clone, Serialize, Deserialize)]
pub struct Joining {
    /// The word of its invitation.
    pub word: String,
    /// What it says of its host.
    pub about: About,
    /// Where things are there.
    pub layout: Layout,
}

/// What it gets for its word.
#[derive(Clone, Serialize, Deserialize)]
pub struct Joined {
    /// The key that it shows from then on, as `Authorization: Bearer KEY`. Told once.
    pub key: String,
}

/// An agent that asks for what it should serve.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asking {
    /// What it says of its host.
    pub about: About,
    /// Where things are there.
    pub layout: Layout,
    /// The generation that it has; none when it has none.
    pub has: Option<i64>,
}

/// What it should serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The site's generation.
    pub generation: i64,
    /// The site.
    pub snapshot: Snapshot,
}

/// The addresses that are lent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leases {
    /// Each of them.
    pub leases: Vec<Lease>,
}
