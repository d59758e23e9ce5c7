//! Authorities that give certificates by ACME (RFC 8555), and who Holdfast is there. Must not know
//! how one is spoken to.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    AuthorityId, FieldError, Fields, Invalid,
    names::{Domain, Label},
    providers::{AccountName, AccountSecret},
    text::text_value,
};

/// Authorities that many have, by name and directory.
pub const KNOWN: [(&str, &str); 4] = [
    (
        "Let's Encrypt",
        "https://acme-v02.api.letsencrypt.org/directory",
    ),
    (
        "Let's Encrypt, to try things out",
        "https://acme-staging-v02.api.letsencrypt.org/directory",
    ),
    ("ZeroSSL", "https://acme.zerossl.com/v2/DV90"),
    (
        "Google Trust Services",
        "https://dv.acme-v02.api.pki.goog/directory",
    ),
];

/// Where an authority's directory is: an `https` address, with a path and no query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DirectoryUrl(String);
text_value!(DirectoryUrl);

impl FromStr for DirectoryUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refusal = || {
            Invalid::new(
                "Use the address of an ACME directory, such as https://acme-v02.api.letsencrypt.org/directory.",
            )
        };
        let text = text.trim_ascii();
        let rest = text.strip_prefix("https://").ok_or_else(refusal)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let name = match host.rsplit_once(':') {
            Some((name, port)) => match port.parse::<u16>() {
                Ok(1..) => name,
                _ => return Err(refusal()),
            },
            None => host,
        };
        let is_host = name.parse::<std::net::Ipv4Addr>().is_ok() || name.parse::<Domain>().is_ok();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
        if !is_host || text.len() > 500 || !path.chars().all(plain) {
            return Err(refusal());
        }
        Ok(Self(format!(
            "https://{}/{path}",
            host.to_ascii_lowercase()
        )))
    }
}

/// An address of mail, as far as an authority needs to know it: `name@domain`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);
text_value!(Email);

impl FromStr for Email {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refusal = || Invalid::new("Use an address such as admin@example.org.");
        let text = text.trim_ascii();
        let (name, domain) = text.rsplit_once('@').ok_or_else(refusal)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let domain: Domain = domain.parse().map_err(|_| refusal())?;
        if !(1..=64).contains(&name.len()) || !name.chars().all(plain) {
            return Err(refusal());
        }
        Ok(Self(format!("{name}@{domain}")))
    }
}

/// Certificates as text (PEM, RFC 7468), of which nothing is known yet but that there are some.
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
                "Paste certificates only: from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.",
            ));
        }
        Ok(Self(format!("{}\n", text.replace('\r', ""))))
    }
}

/// An authority as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthoritySpec {
    /// Its name.
    pub name: Label,
    /// Where its directory is.
    pub directory: DirectoryUrl,
    /// Whom it may write to.
    pub email: Option<Email>,
    /// The account with it that ours is bound to (RFC 8555, section 7.3.4), where it asks for one.
    pub binding: Option<AccountName>,
    /// The binding's key, in base64url; none keeps the present one.
    pub binding_key: Option<AccountSecret>,
    /// By what its own certificate is known, where this host's authorities do not know it.
    pub roots: Option<PemCertificates>,
}

/// An authority as lists and its page show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityRow {
    /// The authority.
    pub id: AuthorityId,
    /// Its name.
    pub name: Label,
    /// Where its directory is.
    pub directory: DirectoryUrl,
    /// Whom it may write to.
    pub email: Option<Email>,
    /// The account that ours is bound to.
    pub binding: Option<AccountName>,
    /// By what its own certificate is known.
    pub roots: Option<PemCertificates>,
    /// Our account's address there; none until the first certificate is asked for.
    pub account: Option<String>,
    /// The domains that have their certificates from it.
    pub domains: Vec<Domain>,
}

/// The form of an authority.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityForm {
    /// Its name.
    pub name: String,
    /// Its directory's address.
    pub directory: String,
    /// Whom it may write to; may be empty.
    #[serde(default)]
    pub email: String,
    /// The key's id of an external account; empty means none.
    #[serde(default)]
    pub binding: String,
    /// That key; empty keeps the present one.
    #[serde(default)]
    pub binding_key: String,
    /// Certificates by which it is known; empty means those that this host trusts.
    #[serde(default)]
    pub roots: String,
}

impl AuthorityForm {
    /// The authority's values, or the refusals by field. A new binding needs its key.
    ///
    /// # Errors
    /// Every field that needs another value.
    pub fn parse(&self, is_new: bool) -> Result<AuthoritySpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let name = fields.parse("name", &self.name);
        if self.name.trim() == "new" {
            fields.refuse(
                "name",
                "The word new is taken: the page for a new authority has it.",
            );
        }
        let directory = fields.parse("directory", &self.directory);
        let email = fields.optional("email", &self.email);
        let binding = fields.optional("binding", &self.binding);
        let binding_key = fields.optional("binding_key", &self.binding_key);
        let (has_binding, has_key) = (
            !self.binding.trim().is_empty(),
            !self.binding_key.trim().is_empty(),
        );
        if has_key && !has_binding {
            fields.refuse("binding", "Give the id that belongs to the key.");
        } else if is_new && has_binding && !has_key {
            fields.refuse("binding_key", "Give the key that belongs to the id.");
        }
        let roots = fields.optional("roots", &self.roots);
        let spec = (|| {
            Some(AuthoritySpec {
                name: name?,
                directory: directory?,
                email: email?,
                binding: binding?,
                binding_key: binding_key?,
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
            binding: text(row.binding.as_ref()),
            binding_key: String::new(),
            roots: text(row.roots.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_reached_through_tls() {
        for (_, url) in KNOWN {
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
    fn an_address_of_mail_is_a_name_at_a_domain() {
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
    fn a_binding_is_an_id_with_its_key() {
        let form = AuthorityForm {
            name: "zero".into(),
            directory: "https://acme.zerossl.com/v2/DV90".into(),
            ..AuthorityForm::default()
        };
        assert!(form.parse(true).unwrap().binding.is_none());
        let refused = |form: &AuthorityForm, is_new| {
            let fields = form.parse(is_new).err().unwrap_or_default();
            fields
                .into_iter()
                .map(|field| field.field)
                .collect::<Vec<_>>()
        };
        let id = AuthorityForm {
            binding: "kid-1".into(),
            ..form.clone()
        };
        assert_eq!(refused(&id, true), ["binding_key"]);
        assert!(refused(&id, false).is_empty());
        let key = AuthorityForm {
            binding_key: "a2V5".into(),
            ..form
        };
        assert_eq!(refused(&key, true), ["binding"]);
    }

    #[test]
    fn a_key_is_not_taken_for_a_certificate() {
        let key = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----";
        assert!(key.parse::<PemCertificates>().is_err());
        let good = "\r\n-----BEGIN CERTIFICATE-----\r\nAA\r\n-----END CERTIFICATE-----";
        let good: PemCertificates = good.parse().unwrap();
        assert_eq!(good.as_str().lines().count(), 3);
        assert!(!good.as_str().contains('\r'));
    }
}
