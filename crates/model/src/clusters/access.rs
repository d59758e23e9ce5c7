//! Access to a cluster: API URL, certificate fingerprint, account and secret.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Invalid,
    names::{Domain, is_word},
    text::{by_text, text_value},
};

/// The port of Proxmox VE's API.
const API_PORT: u16 = 8006;

/// The URL of a cluster's API: scheme, host and port, such as `https://pve1.example.org:8006`.
///
/// The scheme is `https`. `http` is accepted for loopback addresses only, for the simulator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiUrl(String);
text_value!(ApiUrl);

impl ApiUrl {
    /// Whether the connection uses TLS.
    pub fn is_tls(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The URL of a host on the default port.
    pub fn from_host(host: Ipv4Addr) -> Self {
        Self(format!("https://{host}:{API_PORT}"))
    }
}

impl FromStr for ApiUrl {
    type Err = Invalid;

    /// Accepts a host, a host with a port, or a full URL.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || {
            Invalid::new(
                "Enter a node's hostname or address, such as pve1.example.org or 10.0.0.1.",
            )
        };
        let text = text.trim_ascii().trim_end_matches('/');
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("https".to_owned(), text),
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse::<u16>().map_err(|_| invalid())?),
            None => (rest, API_PORT),
        };
        let host = host_name(host).ok_or_else(invalid)?;
        let is_loopback = host == "localhost" || host.starts_with("127.");
        match scheme.as_str() {
            "https" => {}
            "http" if is_loopback => {}
            "http" => {
                return Err(Invalid::new(
                    "Use https: credentials must be sent encrypted.",
                ));
            }
            _ => return Err(invalid()),
        }
        if port == 0 {
            return Err(invalid());
        }
        Ok(Self(format!("{scheme}://{host}:{port}")))
    }
}

fn host_name(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.to_string());
    }
    Some(text.parse::<Domain>().ok()?.to_string())
}

/// The account that Holdfast uses on a cluster: a user with a password (`root@pam`) or an API token
/// (`root@pam!holdfast`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterAccount {
    user: String,
    realm: String,
    token: Option<String>,
}
by_text!(ClusterAccount);

impl ClusterAccount {
    /// The user without the realm.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The authentication realm, such as `pam` or `pve`.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Whether this is an API token.
    pub fn is_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether this is `root@pam` with a password. Proxmox allows some operations for it only, and
    /// not for tokens of root.
    pub fn is_root_pam(&self) -> bool {
        self.user == "root" && self.realm == "pam" && self.token.is_none()
    }
}

impl fmt::Display for ClusterAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.realm)?;
        match &self.token {
            Some(token) => write!(f, "!{token}"),
            None => Ok(()),
        }
    }
}

impl FromStr for ClusterAccount {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || {
            Invalid::new(
                "Enter a user with a realm, such as root@pam, or an API token, such as holdfast@pve!holdfast.",
            )
        };
        let text = text.trim_ascii();
        let (account, token) = match text.rsplit_once('!') {
            Some((account, token)) => (account, Some(token)),
            None => (text, None),
        };
        let (user, realm) = account.rsplit_once('@').ok_or_else(invalid)?;
        // The formats pve-userid, pve-realm and pve-tokenid.
        let is_allowed =
            |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, ':' | '/' | '!');
        let user_ok = !user.is_empty() && account.len() <= 64 && user.chars().all(is_allowed);
        if !user_ok || !is_id(realm) || token.is_some_and(|token| !is_id(token)) {
            return Err(invalid());
        }
        Ok(Self {
            user: user.to_owned(),
            realm: realm.to_owned(),
            token: token.map(str::to_owned),
        })
    }
}

/// `[A-Za-z][A-Za-z0-9.\-_]+`, the format of realms and token IDs.
fn is_id(text: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (2..=64).contains(&text.len()) && is_word(text, |c| c.is_ascii_alphabetic(), rest)
}

/// A password or a token's secret on its way to the server. Its `Debug` output hides the value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret, for signing in.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
            return Err(Invalid::new(
                "Enter the token secret or the password, up to 255 characters.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Option<String> {
        text.parse::<ApiUrl>().ok().map(|url| url.to_string())
    }

    #[test]
    fn api_url_defaults_scheme_and_port() {
        assert_eq!(url("pve1").as_deref(), Some("https://pve1:8006"));
        assert_eq!(
            url(" PVE1.Example.org/ ").as_deref(),
            Some("https://pve1.example.org:8006")
        );
        assert_eq!(url("10.0.0.1:443").as_deref(), Some("https://10.0.0.1:443"));
        assert_eq!(
            url("https://pve1:8006/").as_deref(),
            Some("https://pve1:8006")
        );
        assert_eq!(
            url("http://127.0.0.1:1").as_deref(),
            Some("http://127.0.0.1:1")
        );
    }

    #[test]
    fn invalid_or_insecure_api_urls_are_rejected() {
        for text in [
            "",
            "http://pve1",
            "ftp://pve1",
            "pve1:0",
            "pve1:99999",
            "https://root:pw@pve1",
            "https://pve1/api2",
            "pve 1",
            "pve1?x",
        ] {
            assert_eq!(url(text), None, "{text}");
        }
    }

    #[test]
    fn login_distinguishes_users_and_tokens() {
        let root: ClusterAccount = "root@pam".parse().unwrap();
        assert!(root.is_root_pam() && !root.is_token());
        let token: ClusterAccount = "root@pam!holdfast".parse().unwrap();
        assert!(token.is_token() && !token.is_root_pam());
        assert_eq!(token.to_string(), "root@pam!holdfast");
        let mail: ClusterAccount = "anna@example.org@ldap".parse().unwrap();
        assert_eq!((mail.user(), mail.realm()), ("anna@example.org", "ldap"));
        for text in ["root", "root!t", "@pam", "root@pam!", "ro ot@pam", "root@p"] {
            assert!(text.parse::<ClusterAccount>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn accepted_values_round_trip(text in "[ -~]{0,40}") {
            if let Ok(url) = text.parse::<ApiUrl>() {
                prop_assert_eq!(url.as_str().parse::<ApiUrl>().unwrap(), url);
            }
            if let Ok(login) = text.parse::<ClusterAccount>() {
                prop_assert_eq!(login.to_string().parse::<ClusterAccount>().unwrap(), login);
            }
        }
    }
}
