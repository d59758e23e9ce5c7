//! The form of a DNS provider.

use serde::{Deserialize, Serialize};

use super::{ProviderKind, ProviderRow, ProviderSettings, ProviderSpec};
use crate::{FieldError, Fields, text::debug_only_fields};

/// The form of a DNS provider. The required fields depend on the kind.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderForm {
    /// The provider's name.
    pub name: String,
    /// `cloudflare`, `rfc2136` or `acme-dns`.
    pub kind: String,
    /// The API token, the key's value or the password; empty keeps the stored one.
    #[serde(default)]
    pub secret: String,
    /// RFC 2136: the name server. acme-dns: the URL of the API.
    #[serde(default)]
    pub server: String,
    /// RFC 2136: the zone.
    #[serde(default)]
    pub zone: String,
    /// RFC 2136: the name of the key. acme-dns: the account's username.
    #[serde(default)]
    pub account: String,
    /// RFC 2136: the TSIG algorithm.
    #[serde(default)]
    pub algorithm: String,
    /// acme-dns: the name of the TXT records.
    #[serde(default)]
    pub full_domain: String,
}

debug_only_fields!(ProviderForm {
    name,
    kind,
    server,
    zone,
    account
});

impl ProviderForm {
    /// Parses and validates the form. A new provider requires a secret.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self, is_new: bool) -> Result<ProviderSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let name = fields.parse("name", &self.name);
        if self.name.trim() == "new" {
            fields.add_error("name", "The name new is reserved. Enter another name.");
        }
        let settings = self.settings(&mut fields);
        let secret = fields.optional("secret", &self.secret);
        if is_new && self.secret.trim().is_empty() {
            fields.add_error(
                "secret",
                "Enter the secret. It is stored encrypted and never shown again.",
            );
        }
        let spec = (|| {
            Some(ProviderSpec {
                name: name?,
                settings: settings?,
                secret: secret?,
            })
        })();
        fields.finish(spec)
    }

    fn settings(&self, fields: &mut Fields) -> Option<ProviderSettings> {
        match fields.parse("kind", &self.kind)? {
            ProviderKind::Cloudflare => Some(ProviderSettings::Cloudflare),
            ProviderKind::Rfc2136 => {
                let server = fields.parse("server", &self.server);
                let zone = fields.parse("zone", &self.zone);
                let key = fields.parse("account", &self.account);
                let algorithm = fields.parse("algorithm", &self.algorithm);
                Some(ProviderSettings::Rfc2136 {
                    server: server?,
                    zone: zone?,
                    key: key?,
                    algorithm: algorithm?,
                })
            }
            ProviderKind::AcmeDns => {
                let server = fields.parse("server", &self.server);
                let user = fields.parse("account", &self.account);
                let full_domain = fields.parse("full_domain", &self.full_domain);
                Some(ProviderSettings::AcmeDns {
                    server: server?,
                    user: user?,
                    full_domain: full_domain?,
                })
            }
        }
    }
}

impl From<&ProviderRow> for ProviderForm {
    fn from(row: &ProviderRow) -> Self {
        let mut form = Self {
            name: row.name.to_string(),
            kind: row.settings.kind().to_string(),
            ..Self::default()
        };
        match &row.settings {
            ProviderSettings::Cloudflare => {}
            ProviderSettings::Rfc2136 {
                server,
                zone,
                key,
                algorithm,
            } => {
                form.server = server.to_string();
                form.zone = zone.to_string();
                form.account = key.to_string();
                form.algorithm = algorithm.to_string();
            }
            ProviderSettings::AcmeDns {
                server,
                user,
                full_domain,
            } => {
                form.server = server.to_string();
                form.account = user.to_string();
                form.full_domain = full_domain.to_string();
            }
        }
        form
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProviderId;

    #[test]
    fn required_fields_depend_on_provider_kind() {
        let form = |kind: &str| ProviderForm {
            name: "one".into(),
            kind: kind.into(),
            ..ProviderForm::default()
        };
        let refused = |form: &ProviderForm| {
            let fields = form.parse(true).unwrap_err();
            fields
                .into_iter()
                .map(|field| field.field)
                .collect::<Vec<_>>()
        };
        assert_eq!(refused(&form("cloudflare")), ["secret"]);
        assert_eq!(
            refused(&form("rfc2136")),
            ["server", "zone", "account", "algorithm", "secret"]
        );
        assert_eq!(
            refused(&form("acme-dns")),
            ["server", "account", "full_domain", "secret"]
        );
        assert_eq!(refused(&form("route53")), ["kind", "secret"]);
    }

    #[test]
    fn form_never_shows_stored_secret() {
        let form = ProviderForm {
            name: "bind".into(),
            kind: "rfc2136".into(),
            secret: "c2VjcmV0".into(),
            server: "10.0.0.53".into(),
            zone: "example.org".into(),
            account: "holdfast.example.org".into(),
            algorithm: "hmac-sha256".into(),
            full_domain: String::new(),
        };
        let spec = form.parse(true).unwrap();
        assert!(!format!("{spec:?}").contains("c2VjcmV0"));
        let row = ProviderRow {
            id: ProviderId(1),
            name: spec.name.clone(),
            settings: spec.settings.clone(),
            domains: Vec::new(),
        };
        let again = ProviderForm::from(&row);
        assert_eq!(again.secret, "");
        assert_eq!(again.parse(false).unwrap().settings, spec.settings);
        assert_eq!(again.parse(false).unwrap().secret, None);
    }
}
