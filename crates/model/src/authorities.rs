//! ACME certificate authorities (RFC 8555) and the account that Holdfast has with them. Contains no
//! protocol code.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    AuthorityId, FieldError, Fields, Invalid,
    names::{Domain, Label},
    providers::{AccountName, AccountSecret},
    text::{debug_only_fields, text_value},
};

/// Well-known certificate authorities, by name and directory URL.
pub const WELL_KNOWN_CAS: [(&str, &str); 4] = [
    (
        "Let's Encrypt",
        "https://acme-v02.api.letsencrypt.org/directory",
    ),
    (
        "Let's Encrypt (staging)",
        "https://acme-staging-v02.api.letsencrypt.org/directory",
    ),
    ("ZeroSSL", "https://acme.zerossl.com/v2/DV90"),
    (
        "Google Trust Services",
        "https://dv.acme-v02.api.pki.goog/directory",
    ),
];

/// The URL of an ACME directory: `https`, with a path and without a query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DirectoryUrl(String);
text_value!(DirectoryUrl);

impl FromStr for DirectoryUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || {
            Invalid::new(
                "Enter the URL of an ACME directory, such as https://acme-v02.api.letsencrypt.org/directory.",
            )
        };
        let text = text.trim_ascii();
        let rest = text.strip_prefix("https://").ok_or_else(invalid)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let name = match host.rsplit_once(':') {
            Some((name, port)) => match port.parse::<u16>() {
                Ok(1..) => name,
                _ => return Err(invalid()),
            },
            None => host,
        };
        let is_host = name.parse::<std::net::Ipv4Addr>().is_ok() || name.parse::<Domain>().is_ok();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
        if !is_host || text.len() > 500 || !path.chars().all(is_allowed) {
            return Err(invalid());
        }
        Ok(Self(format!(
            "https://{}/{path}",
            host.to_ascii_lowercase()
        )))
    }
}

/// An email address for an ACME account: `name@domain`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);
text_value!(Email);

impl FromStr for Email {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("Enter an email address such as admin@example.org.");
        let text = text.trim_ascii();
        let (name, domain) = text.rsplit_once('@').ok_or_else(invalid)?;
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let domain: Domain = domain.parse().map_err(|_| invalid())?;
        if !(1..=64).contains(&name.len()) || !name.chars().all(is_allowed) {
            return Err(invalid());
        }
        Ok(Self(format!("{name}@{domain}")))
    }
}

/// PEM certificates (RFC 7468). Only the BEGIN and END lines are checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PemCertificates(String);
text_value!(PemCertificates);

impl FromStr for PemCertificates {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let is_some = text.contains("-----BEGIN CERTIFICATE-----")
            && text.contains("-----END CERTIFICATE-----");
        if !is_some || text.contains("PRIVATE KEY") || text.len() > 100_000 {
            return Err(Invalid::new(
                "Paste only PEM certificates, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.",
            ));
        }
        Ok(Self(format!("{}\n", text.replace('\r', ""))))
    }
}

/// The desired state of a certificate authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthoritySpec {
    /// The CA's name.
    pub name: Label,
    /// The URL of its ACME directory (RFC 8555, section 7.1.1).
    pub directory: DirectoryUrl,
    /// The contact address of the account.
    pub email: Option<Email>,
    /// The key ID for external account binding (RFC 8555, section 7.3.4), if the CA requires it.
    pub eab_key_id: Option<AccountName>,
    /// The binding's MAC key in base64url; `None` keeps the stored key.
    pub eab_mac_key: Option<AccountSecret>,
    /// Root certificates for the CA's own TLS certificate, if this host does not trust it.
    pub roots: Option<PemCertificates>,
}

/// A certificate authority, for lists and its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityRow {
    /// The certificate authority.
    pub id: AuthorityId,
    /// The CA's name.
    pub name: Label,
    /// The URL of its ACME directory (RFC 8555, section 7.1.1).
    pub directory: DirectoryUrl,
    /// The contact address of the account.
    pub email: Option<Email>,
    /// The key ID of the external account binding.
    pub eab_key_id: Option<AccountName>,
    /// Root certificates for the CA's own TLS certificate.
    pub roots: Option<PemCertificates>,
    /// The URL of the ACME account; `None` until the first order.
    pub account: Option<String>,
    /// The domains whose certificates this CA issues.
    pub domains: Vec<Domain>,
}

/// The form of a certificate authority.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityForm {
    /// The CA's name.
    pub name: String,
    /// The URL of its ACME directory (RFC 8555, section 7.1.1).
    pub directory: String,
    /// The contact address; may be empty.
    #[serde(default)]
    pub email: String,
    /// The key ID of the external account binding; empty means none.
    #[serde(default)]
    pub eab_key_id: String,
    /// The binding's MAC key; empty keeps the stored key.
    #[serde(default)]
    pub eab_mac_key: String,
    /// Root certificates in PEM; empty means those that this host trusts.
    #[serde(default)]
    pub roots: String,
}

debug_only_fields!(AuthorityForm {
    name,
    directory,
    email,
    eab_key_id
});

impl AuthorityForm {
    /// Parses and validates the form. A new binding requires its key.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self, is_new: bool) -> Result<AuthoritySpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let name = fields.parse("name", &self.name);
        if self.name.trim() == "new" {
            fields.add_error("name", "The name new is reserved. Enter another name.");
        }
        let directory = fields.parse("directory", &self.directory);
        let email = fields.optional("email", &self.email);
        let eab_key_id = fields.optional("eab_key_id", &self.eab_key_id);
        let eab_mac_key = fields.optional("eab_mac_key", &self.eab_mac_key);
        let (has_binding, has_key) = (
            !self.eab_key_id.trim().is_empty(),
            !self.eab_mac_key.trim().is_empty(),
        );
        if has_key && !has_binding {
            fields.add_error("eab_key_id", "Enter the key ID of this HMAC key.");
        } else if is_new && has_binding && !has_key {
            fields.add_error("eab_mac_key", "Enter the HMAC key of this key ID.");
        }
        let roots = fields.optional("roots", &self.roots);
        let spec = (|| {
            Some(AuthoritySpec {
                name: name?,
                directory: directory?,
                email: email?,
                eab_key_id: eab_key_id?,
                eab_mac_key: eab_mac_key?,
                roots: roots?,
            })
        })();
        fields.finish(spec)
    }
}

impl From<&AuthorityRow> for AuthorityForm {
    fn from(row: &AuthorityRow) -> Self {
        fn text<T: fmt::Display>(value: Option<&T>) -> String {
            value.map(ToString::to_string).unwrap_or_default()
        }
        Self {
            name: row.name.to_string(),
            directory: row.directory.to_string(),
            email: text(row.email.as_ref()),
            eab_key_id: text(row.eab_key_id.as_ref()),
            eab_mac_key: String::new(),
            roots: text(row.roots.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_url_requires_https() {
        for (_, url) in WELL_KNOWN_CAS {
            assert_eq!(url.parse::<DirectoryUrl>().unwrap().as_str(), url);
        }
        let own: DirectoryUrl = " https://CA.example.org:14000/dir ".parse().unwrap();
        assert_eq!(own.as_str(), "https://ca.example.org:14000/dir");
        for text in [
            "",
            "http://ca.example.org/dir",
            "https://",
            "https://a b/dir",
            "https://ca.example.org:0/dir",
            "https://u@ca.example.org/dir",
            "https://ca.example.org/dir?x=1",
        ] {
            assert!(text.parse::<DirectoryUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn email_requires_local_part_and_domain() {
        assert_eq!(
            "admin@Example.org".parse::<Email>().unwrap().as_str(),
            "admin@example.org"
        );
        for text in [
            "",
            "admin",
            "@example.org",
            "a b@example.org",
            "a@b c",
            "a@1",
        ] {
            assert!(text.parse::<Email>().is_err(), "{text}");
        }
    }

    #[test]
    fn account_binding_requires_key_id_and_key() {
        let form = AuthorityForm {
            name: "zero".into(),
            directory: "https://acme.zerossl.com/v2/DV90".into(),
            ..AuthorityForm::default()
        };
        assert!(form.parse(true).unwrap().eab_key_id.is_none());
        let refused = |form: &AuthorityForm, is_new| {
            let fields = form.parse(is_new).err().unwrap_or_default();
            fields
                .into_iter()
                .map(|field| field.field)
                .collect::<Vec<_>>()
        };
        let id = AuthorityForm {
            eab_key_id: "kid-1".into(),
            ..form.clone()
        };
        assert_eq!(refused(&id, true), ["eab_mac_key"]);
        assert!(refused(&id, false).is_empty());
        let key = AuthorityForm {
            eab_mac_key: "a2V5".into(),
            ..form
        };
        assert_eq!(refused(&key, true), ["eab_key_id"]);
    }

    #[test]
    fn pem_certificates_reject_private_keys() {
        let key = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----";
        assert!(key.parse::<PemCertificates>().is_err());
        let good = "\r\n-----BEGIN CERTIFICATE-----\r\nAA\r\n-----END CERTIFICATE-----";
        let good: PemCertificates = good.parse().unwrap();
        assert_eq!(good.as_str().lines().count(), 3);
        assert!(!good.as_str().contains('\r'));
    }
}
