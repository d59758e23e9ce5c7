//! What the agent keeps for its next start: what it was last given that went live, and what of that
//! is really served. Must not hold any key.

use std::path::{Path, PathBuf};

use edge::{Snapshot, link::Given};
use serde::{Deserialize, Serialize};

/// What was live when it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// As the manager gave it.
    pub(crate) given: Given,
    /// As this host serves it. It is another where a certificate was not to be had: only here is
    /// it written which one was good before, and a host that forgets that warns browsers.
    pub(crate) live: Snapshot,
}

/// The file. `live` is there only where it is another, and an older agent did not write it.
#[derive(Deserialize)]
struct Read {
    generation: i64,
    snapshot: Snapshot,
    live: Option<Snapshot>,
}

#[derive(Serialize)]
struct Written<'a> {
    generation: i64,
    snapshot: &'a Snapshot,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<&'a Snapshot>,
}

impl Memory {
    /// What was last kept; none before the first time, or when it cannot be read.
    pub(crate) async fn read(base: &Path) -> Option<Self> {
        let text = tokio::fs::read(path(base)).await.ok()?;
        let read: Result<Read, _> = serde_json::from_slice(&text);
        let read = read
            .inspect_err(|error| tracing::warn!(%error, "what was last live is not known any more"))
            .ok()?;
        Some(Self {
            live: read.live.unwrap_or_else(|| read.snapshot.clone()),
            given: Given {
                generation: read.generation,
                snapshot: read.snapshot,
            },
        })
    }

    /// Keeps it for the next start. Without it that waits for the manager.
    pub(crate) async fn keep(&self, base: &Path) {
        let (path, given) = (path(base), &self.given);
        let written = Written {
            generation: given.generation,
            snapshot: &given.snapshot,
            live: (self.live != given.snapshot).then_some(&self.live),
        };
        let kept = async {
            let text = serde_json::to_vec(&written)?;
            if let Some(folder) = path.parent() {
                tokio::fs::create_dir_all(folder).await?;
            }
            let new = path.with_extension("new");
            tokio::fs::write(&new, text).await?;
            tokio::fs::rename(&new, &path).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, "what is live could not be kept for the next start");
        }
    }
}

fn path(base: &Path) -> PathBuf {
    base.join("state").join("given.json")
}

#[cfg(test)]
mod tests {
    use edge::{Network, PublicDomain};
    use model::{clusters::Fingerprint, domains::Hsts};

    use super::*;

    fn site(certificate: &str) -> Snapshot {
        let certificate: Fingerprint = certificate.repeat(32).parse().unwrap();
        Snapshot {
            network: Network {
                domain: "lab.internal".parse().unwrap(),
                cidr: "10.20.0.0/16".parse().unwrap(),
                gateway: "10.20.0.1".parse().unwrap(),
                name_servers: Vec::new(),
                forwarders: Vec::new(),
                dhcp: None,
            },
            hosts: Vec::new(),
            records: Vec::new(),
            domains: vec![PublicDomain {
                name: "example.org".parse().unwrap(),
                sign_in: None,
                hsts: Hsts::Off,
                services: Vec::new(),
                certificate: Some(certificate),
            }],
            streams: Vec::new(),
            answers: Vec::new(),
        }
    }

    #[tokio::test]
    async fn what_is_served_is_kept_beside_what_was_given() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Memory::read(folder.path()).await, None);
        for live in ["aa", "bb"] {
            let memory = Memory {
                given: Given {
                    generation: 3,
                    snapshot: site("aa"),
                },
                live: site(live),
            };
            memory.keep(folder.path()).await;
            assert_eq!(Memory::read(folder.path()).await, Some(memory));
        }
    }

    #[tokio::test]
    async fn what_an_older_agent_kept_is_served_as_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given {
            generation: 3,
            snapshot: site("aa"),
        };
        let path = path(folder.path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_vec(&given).unwrap()).unwrap();
        let read = Memory::read(folder.path()).await.unwrap();
        assert_eq!((&read.given, &read.live), (&given, &given.snapshot));
        std::fs::write(&path, "{").unwrap();
        assert_eq!(Memory::read(folder.path()).await, None);
    }
}
