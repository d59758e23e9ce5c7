//! Saves the agent's state across restarts: the last configuration that went live, and what its
//! roles add to it. Must not contain any key.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use agent_protocol::PollResponse;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The states of roles, by name.
pub(crate) type RoleStates = BTreeMap<String, Box<RawValue>>;

/// The saved state.
#[derive(Debug, Deserialize)]
pub(crate) struct SavedState {
    /// The configuration that the manager sent.
    pub(crate) desired: PollResponse,
    /// What the roles saved with it.
    pub(crate) roles: RoleStates,
}

#[derive(Serialize)]
struct SavedStateRef<'a> {
    desired: &'a PollResponse,
    roles: &'a RoleStates,
}

/// Loads the saved state; none if there is no file or it cannot be parsed.
pub(crate) async fn load(base: &Path) -> Option<SavedState> {
    let text = tokio::fs::read(path(base)).await.ok()?;
    serde_json::from_slice(&text)
        .inspect_err(|error| tracing::warn!(%error, "saved state parse failed"))
        .ok()
}

/// Saves the state. Without it, the next start waits for the manager.
pub(crate) async fn save(base: &Path, desired: &PollResponse, roles: &RoleStates) {
    let path = path(base);
    let result = async {
        let text = serde_json::to_vec(&SavedStateRef { desired, roles })?;
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let new = path.with_extension("new");
        tokio::fs::write(&new, text).await?;
        tokio::fs::rename(&new, &path).await
    };
    if let Err(error) = result.await {
        tracing::warn!(path = %path.display(), %error, "saved state write failed");
    }
}

fn path(base: &Path) -> PathBuf {
    base.join("state").join("config.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(generation: i64) -> PollResponse {
        let network = serde_json::json!({
            "domain": "lab.internal", "cidr": "10.20.0.0/16", "gateway": "10.20.0.1",
            "name_servers": [], "forwarders": [], "dhcp": null,
        });
        let config = serde_json::json!({
            "network": network, "hosts": [], "records": [], "domains": [], "streams": [],
        });
        let response = serde_json::json!({ "generation": generation, "config": config });
        serde_json::from_value(response).unwrap()
    }

    #[tokio::test]
    async fn configuration_and_role_states_are_saved() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(folder.path()).await.is_none());
        for generation in [1, 2] {
            let state = serde_json::value::to_raw_value(&generation).unwrap();
            let roles = RoleStates::from([("role".to_owned(), state)]);
            let desired = response(generation);
            save(folder.path(), &desired, &roles).await;
            let loaded = load(folder.path()).await.unwrap();
            assert_eq!(loaded.desired, desired);
            assert_eq!(loaded.roles["role"].get(), generation.to_string());
        }
    }

    #[tokio::test]
    async fn damaged_state_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "{").unwrap();
        assert!(load(folder.path()).await.is_none());
    }
}
