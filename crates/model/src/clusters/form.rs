//! The form of a cluster as it is typed, and its one parser for browser and server.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ApiUrl, ClusterDetail, Fingerprint, Login, Secret};
use crate::{FieldError, Fields, names::Label};

/// A cluster as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSpec {
    /// Its name here.
    pub name: Label,
    /// Where one of its nodes answers.
    pub url: ApiUrl,
    /// The certificate that was confirmed there; none only without TLS.
    pub fingerprint: Option<Fingerprint>,
    /// Who Holdfast is there.
    pub login: Login,
    /// The password or the token's secret; none keeps the one that is known.
    pub secret: Option<Secret>,
}

/// The form of a cluster.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterForm {
    /// Its name here.
    pub name: String,
    /// The name or address of a node, with a port where it is not the usual one.
    pub url: String,
    /// A user or a token.
    pub login: String,
    /// The password or the token's secret; empty keeps the one that is known.
    #[serde(default)]
    pub secret: String,
    /// The certificate's fingerprint, once a person has confirmed it.
    #[serde(default)]
    pub fingerprint: String,
}

impl fmt::Debug for ClusterForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterForm")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

impl ClusterForm {
    /// The cluster's values, or the refusals by field. A new cluster needs its secret.
    ///
    /// # Errors
    /// Every field that needs another value.
    pub fn parse(&self, new: bool) -> Result<ClusterSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let name = fields.parse("name", &self.name);
        if self.name.trim() == "new" {
            fields.refuse(
                "name",
                "The word new is taken: the page for a new cluster has it.",
            );
        }
        let url = fields.parse::<ApiUrl>("url", &self.url);
        let login = fields.parse("login", &self.login);
        // Spaces belong to a password.
        let secret = if self.secret.is_empty() && !new {
            Some(None)
        } else {
            fields.parse("secret", &self.secret).map(Some)
        };
        let fingerprint = fields.optional::<Fingerprint>("fingerprint", &self.fingerprint);
        if let (Some(url), Some(None)) = (&url, &fingerprint)
            && url.is_tls()
        {
            fields.refuse(
                "fingerprint",
                "Look at the certificate first, and confirm its fingerprint.",
            );
        }
        let spec = (|| {
            Some(ClusterSpec {
                name: name?,
                url: url?,
                fingerprint: fingerprint?,
                login: login?,
                secret: secret?,
            })
        })();
        fields.finish(spec)
    }
}

impl From<&ClusterDetail> for ClusterForm {
    fn from(cluster: &ClusterDetail) -> Self {
        Self {
            name: cluster.view.name.clone(),
            url: cluster.view.url.clone(),
            login: cluster.login.to_string(),
            secret: String::new(),
            fingerprint: cluster
                .fingerprint
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_cluster_needs_its_secret_and_a_confirmed_certificate() {
        let form = ClusterForm {
            name: "home".into(),
            url: "pve1".into(),
            login: "root@pam".into(),
            ..ClusterForm::default()
        };
        let fields: Vec<String> = form
            .parse(true)
            .unwrap_err()
            .into_iter()
            .map(|refusal| refusal.field)
            .collect();
        assert_eq!(fields, ["secret", "fingerprint"]);
        let known = ClusterForm {
            fingerprint: "ab".repeat(32),
            ..form
        };
        assert_eq!(known.parse(false).unwrap().secret, None);
    }

    #[test]
    fn secrets_are_not_printed() {
        let form = ClusterForm {
            secret: "geheim".into(),
            ..ClusterForm::default()
        };
        let secret: Secret = "geheim".parse().unwrap();
        assert!(!format!("{form:?}{secret:?}").contains("geheim"));
    }
}
