//! Saves the agent's state across restarts: the last site configuration that went live, and the
//! variant of it that this host serves. Must not contain any key.

use std::path::{Path, PathBuf};

use agent_protocol::PollResponse;
use edge::SiteConfig;
use serde::{Deserialize, Serialize};

/// The saved state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedState {
    /// The site configuration that the manager sent.
    pub(crate) desired: PollResponse,
    /// The site configuration that this host serves. It differs from the desired one where a
    /// certificate could not be fetched. Only this field records which certificate was served
    /// instead.
    pub(crate) live: SiteConfig,
}

/// The file format. `live` is only present if it differs from `config`; older agents did not
/// write it.
#[derive(Deserialize)]
struct StoredState {
    generation: i64,
    config: SiteConfig,
    live: Option<SiteConfig>,
}

#[derive(Serialize)]
struct StoredStateRef<'a> {
    generation: i64,
    config: &'a SiteConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<&'a SiteConfig>,
}

impl SavedState {
    /// Loads the saved state; none if there is no file or it cannot be parsed.
    pub(crate) async fn load(base: &Path) -> Option<Self> {
        let text = tokio::fs::read(path(base)).await.ok()?;
        let parsed: Result<StoredState, _> = serde_json::from_slice(&text);
        let read = parsed
            .inspect_err(|error| tracing::warn!(%error, "saved state cannot be parsed"))
            .ok()?;
        Some(Self {
            live: read.live.unwrap_or_else(|| read.config.clone()),
            desired: PollResponse {
                generation: read.generation,
                config: read.config,
            },
        })
    }

    /// Saves the state. Without it, the next start waits for the manager.
    pub(crate) async fn save(&self, base: &Path) {
        let (path, desired) = (path(base), &self.desired);
        let written = StoredStateRef {
            generation: desired.generation,
            config: &desired.config,
            live: (self.live != desired.config).then_some(&self.live),
        };
        let result = async {
            let text = serde_json::to_vec(&written)?;
            if let Some(folder) = path.parent() {
                tokio::fs::create_dir_all(folder).await?;
            }
            let new = path.with_extension("new");
            tokio::fs::write(&new, text).await?;
            tokio::fs::rename(&new, &path).await
        };
        if let Err(error) = result.await {
            tracing::warn!(%error, "saving state failed");
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

    fn site(certificate: &str) -> SiteConfig {
        let certificate: Fingerprint = certificate.repeat(32).parse().unwrap();
        SiteConfig {
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
    async fn served_and_desired_configurations_are_saved() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(SavedState::load(folder.path()).await, None);
        for live in ["aa", "bb"] {
            let saved = SavedState {
                desired: PollResponse {
                    generation: 3,
                    config: site("aa"),
                },
                live: site(live),
            };
            saved.save(folder.path()).await;
            assert_eq!(SavedState::load(folder.path()).await, Some(saved));
        }
    }

    #[tokio::test]
    async fn state_of_older_agent_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let desired = PollResponse {
            generation: 3,
            config: site("aa"),
        };
        let path = path(folder.path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_vec(&desired).unwrap()).unwrap();
        let read = SavedState::load(folder.path()).await.unwrap();
        assert_eq!((&read.desired, &read.live), (&desired, &desired.config));
        std::fs::write(&path, "{").unwrap();
        assert_eq!(SavedState::load(folder.path()).await, None);
    }
}
