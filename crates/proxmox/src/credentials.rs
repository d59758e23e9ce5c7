//! Credentials: an API token, or a user with a password. Validated before anything is sent, and
//! never logged.

use std::fmt;

use reqwest::header::HeaderValue;

use crate::{error::Error, params::unsendable, ticket::Tickets};

/// A secret: a password, or the secret of a token or a console. Its `Debug` output hides the value.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret value. Must be stored encrypted and never logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Credentials. A token of `root@pam` has fewer privileges than `root@pam` itself, see
/// [`crate::Client::is_root_ticket`].
#[derive(Clone, Debug)]
pub enum Credentials {
    /// An API token.
    Token {
        /// The token's full ID: `root@pam!holdfast`.
        id: String,
        /// The token's secret.
        secret: Secret,
    },
    /// A user and password, exchanged for tickets. The user must not have a second factor.
    Password {
        /// The username without the realm: `root`.
        user: String,
        /// The realm, such as `pam` or `pve`.
        realm: String,
        /// The password.
        password: Secret,
    },
}

/// Validated credentials.
pub(crate) enum SignIn {
    Token { id: String, header: HeaderValue },
    Password(Tickets),
}

impl SignIn {
    pub(crate) fn new(credentials: Credentials) -> Result<Self, Error> {
        match credentials {
            Credentials::Token { id, secret } => {
                let header = authorization(&id, secret.expose())?;
                Ok(Self::Token { id, header })
            }
            Credentials::Password {
                user,
                realm,
                password,
            } => {
                check_user(&user, &realm)?;
                if password.expose().is_empty() {
                    return Err(unsendable("password", "the value is empty"));
                }
                Ok(Self::Password(Tickets::new(
                    format!("{user}@{realm}"),
                    password,
                )))
            }
        }
    }
}

/// `PVEAPIToken=user@realm!name=secret`. Proxmox rejects any other format with 401.
fn authorization(id: &str, secret: &str) -> Result<HeaderValue, Error> {
    if !is_token_id(id) {
        return Err(unsendable("token_id", "use the form user@realm!name"));
    }
    if secret.is_empty() || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(unsendable(
            "secret",
            "the value is empty or contains a space or a special character",
        ));
    }
    let mut value = HeaderValue::from_str(&format!("PVEAPIToken={id}={secret}"))
        .map_err(|_| unsendable("token_id", "the value contains a special character"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn check_user(user: &str, realm: &str) -> Result<(), Error> {
    // Proxmox limits user and realm together to 64 characters.
    if !is_user_name(user) || user.len() + realm.len() > 63 {
        return Err(unsendable(
            "user",
            "the value is empty, too long, or contains a space, a colon or a slash",
        ));
    }
    if !is_word(realm) {
        return Err(unsendable("realm", "the value is not a realm name"));
    }
    Ok(())
}

fn is_token_id(text: &str) -> bool {
    let Some((user, name)) = text.rsplit_once('!') else {
        return false;
    };
    is_user_id(user) && is_word(name)
}

/// `name@realm`
pub(crate) fn is_user_id(text: &str) -> bool {
    text.rsplit_once('@')
        .is_some_and(|(user, realm)| is_user_name(user) && is_word(realm))
}

fn is_user_name(user: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ':' | '/');
    !user.is_empty() && !user.contains(odd)
}

/// `[A-Za-z][A-Za-z0-9.\-_]+`: a realm or a token name.
pub(crate) fn is_word(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: &str, secret: &str) -> Credentials {
        Credentials::Token {
            id: id.to_owned(),
            secret: secret.into(),
        }
    }

    fn password(user: &str, realm: &str, password: &str) -> Credentials {
        Credentials::Password {
            user: user.to_owned(),
            realm: realm.to_owned(),
            password: password.into(),
        }
    }

    fn refused_field(credentials: Credentials) -> String {
        match SignIn::new(credentials) {
            Err(Error::InvalidArgument { field, .. }) => field,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("credentials were accepted"),
        }
    }

    #[test]
    fn debug_hides_secret() {
        for credentials in [
            token("root@pam!holdfast", "s3cr3t"),
            password("root", "pam", "s3cr3t"),
        ] {
            assert!(!format!("{credentials:?}").contains("s3cr3t"));
        }
        let header = authorization("root@pam!holdfast", "s3cr3t").unwrap();
        assert!(!format!("{header:?}").contains("s3cr3t"));
    }

    #[test]
    fn invalid_credentials_are_rejected() {
        for id in [
            "root@pam",
            "root!holdfast",
            "@pam!holdfast",
            "root@pam!h",
            "ro ot@pam!ab",
            "",
        ] {
            assert_eq!(refused_field(token(id, "x")), "token_id", "{id}");
        }
        for secret in ["", "a b", "a\nb"] {
            assert_eq!(refused_field(token("root@pam!ab", secret)), "secret");
        }
        let long = "a".repeat(61);
        for user in ["", "ro ot", "a:b", "a/b", "a\0", &long] {
            assert_eq!(refused_field(password(user, "pam", "x")), "user", "{user}");
        }
        for realm in ["", "p", "1am", "pam!"] {
            assert_eq!(refused_field(password("root", realm, "x")), "realm");
        }
        assert_eq!(refused_field(password("root", "pam", "")), "password");
        assert!(SignIn::new(password("jane@example.org", "ldap", "a b\u{e9}")).is_ok());
    }
}
