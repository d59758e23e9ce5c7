//! The form of a cluster and its parser, shared by browser and server.

use serde::{Deserialize, Serialize};

use super::{ApiUrl, ClusterAccount, ClusterDetail, Secret};
use crate::{FieldError, Fields, fingerprint::Fingerprint, names::Label, text::debug_only_fields};

/// The desired state of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSpec {
    /// The cluster's name in Holdfast.
    pub name: Label,
    /// The API URL of one of its nodes.
    pub url: ApiUrl,
    /// The confirmed certificate fingerprint; `None` only without TLS.
    pub fingerprint: Option<Fingerprint>,
    /// The account that Holdfast uses.
    pub account: ClusterAccount,
    /// The password or the token's secret; `None` keeps the stored one.
    pub secret: Option<Secret>,
}

/// The form of a cluster.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterForm {
    /// The cluster's name in Holdfast.
    pub name: String,
    /// The name or address of a node, with a port if it is not the default.
    pub url: String,
    /// A user or an API token.
    pub account: String,
    /// The password or the token's secret; empty keeps the stored one.
    #[serde(default)]
    pub secret: String,
    /// The certificate's fingerprint, once a user has confirmed it.
    #[serde(default)]
    pub fingerprint: String,
}

debug_only_fields!(ClusterForm { name, url, account });

impl ClusterForm {
    /// Parses and validates the form. A new cluster requires a secret.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self, new: bool) -> Result<ClusterSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let name = fields.parse("name", &self.name);
        if self.name.trim() == "new" {
            fields.add_error("name", "The name new is reserved. Enter another name.");
        }
        let url = fields.parse::<ApiUrl>("url", &self.url);
        let account = fields.parse("account", &self.account);
        // Not trimmed: spaces are part of a password.
        let secret = if self.secret.is_empty() && !new {
            Some(None)
        } else {
            fields.parse("secret", &self.secret).map(Some)
        };
        let fingerprint = fields.optional::<Fingerprint>("fingerprint", &self.fingerprint);
        if let (Some(url), Some(None)) = (&url, &fingerprint)
            && url.is_tls()
        {
            fields.add_error(
                "fingerprint",
                "Fetch the certificate and confirm its fingerprint.",
            );
        }
        let spec = (|| {
            Some(ClusterSpec {
                name: name?,
                url: url?,
                fingerprint: fingerprint?,
                account: account?,
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
            account: cluster.account.to_string(),
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
    fn new_cluster_requires_secret_and_confirmed_fingerprint() {
        let form = ClusterForm {
            name: "home".into(),
            url: "pve1".into(),
            account: "root@pam".into(),
            ..ClusterForm::default()
        };
        let fields: Vec<String> = form
            .parse(true)
            .unwrap_err()
            .into_iter()
            .map(|error| error.field)
            .collect();
        assert_eq!(fields, ["secret", "fingerprint"]);
        let known = ClusterForm {
            fingerprint: "ab".repeat(32),
            ..form
        };
        assert_eq!(known.parse(false).unwrap().secret, None);
    }

    #[test]
    fn debug_output_hides_secrets() {
        let form = ClusterForm {
            secret: "geheim".into(),
            ..ClusterForm::default()
        };
        let secret: Secret = "geheim".parse().unwrap();
        assert!(!format!("{form:?}{secret:?}").contains("geheim"));
    }
}
