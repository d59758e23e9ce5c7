//! The permissions of the client's own user or token.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{Client, error::Error, http::Call, lenient, params::Params};

/// The privileges of a user or token, by path. Paths that are not listed inherit theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    paths: BTreeMap<String, BTreeMap<String, bool>>,
}

impl Permissions {
    /// Whether a privilege, such as `VM.Allocate`, is granted on a requested or listed path, such
    /// as `/vms/100`.
    pub fn has(&self, path: &str, privilege: &str) -> bool {
        self.paths
            .get(path)
            .is_some_and(|privileges| privileges.contains_key(privilege))
    }

    /// The privileges of `required` that are not granted on a path.
    pub fn missing<'a>(&self, path: &str, required: &[&'a str]) -> Vec<&'a str> {
        let missing = required.iter().filter(|required| !self.has(path, required));
        missing.copied().collect()
    }

    /// Every listed path with its privileges, and whether each privilege propagates to child paths.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, bool>)> {
        self.paths
            .iter()
            .map(|(path, privileges)| (path.as_str(), privileges))
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Perl sometimes serializes an empty hash as an empty array.
        let Value::Object(paths) = Value::deserialize(deserializer)? else {
            return Ok(Self::default());
        };
        let privileges = |value: Value| match value {
            Value::Object(privileges) => privileges
                .into_iter()
                .map(|(name, propagates)| (name, lenient::as_bool(&propagates).unwrap_or(false)))
                .collect(),
            _ => BTreeMap::new(),
        };
        let paths = paths
            .into_iter()
            .map(|(path, value)| (path, privileges(value)));
        Ok(Self {
            paths: paths.collect(),
        })
    }
}

impl Client {
    /// The permissions of the client's own user or token: on one path, or on all paths with
    /// entries.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn permissions(&self, path: Option<&str>) -> Result<Permissions, Error> {
        let mut params = Params::default();
        params.opt_line("path", path)?;
        self.call(Call::get(&["access", "permissions"]).params(params))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_report_granted_and_missing_privileges() {
        let json = r#"{"/storage/local":{"Datastore.Audit":1,"Datastore.AllocateSpace":1},"/vms/200":{"VM.Audit":0}}"#;
        let permissions: Permissions = serde_json::from_str(json).unwrap();
        assert!(permissions.has("/vms/200", "VM.Audit"));
        assert!(!permissions.has("/vms/201", "VM.Audit"));
        let wanted = ["Datastore.Audit", "Datastore.AllocateTemplate"];
        let missing = permissions.missing("/storage/local", &wanted);
        assert_eq!(missing, ["Datastore.AllocateTemplate"]);
        let passes_on: Vec<_> = permissions
            .paths()
            .map(|(path, privileges)| (path, privileges.values().any(|on| *on)))
            .collect();
        assert_eq!(passes_on, [("/storage/local", true), ("/vms/200", false)]);
        let none: Permissions = serde_json::from_str("[]").unwrap();
        assert_eq!(none, Permissions::default());
    }
}
