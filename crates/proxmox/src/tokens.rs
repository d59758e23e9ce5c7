//! API tokens: create, list, regenerate and delete. Proxmox returns a secret only once.

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    Client, Secret, TokenName, UserId, console::secret, error::Error, http::Call, lenient,
    params::Params,
};

/// An API token of a user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ApiToken {
    /// The token's name, without the user.
    #[serde(deserialize_with = "lenient::text")]
    pub tokenid: String,
    /// Whether privileges are separated: the token has only its own permissions, limited by those
    /// of its user. Otherwise the token has its user's permissions.
    #[serde(default = "lenient::on", deserialize_with = "lenient::flag_or_on")]
    pub privsep: bool,
    /// When the token expires, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::expiry")]
    pub expire: Option<u64>,
    /// The comment.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comment: Option<String>,
}

/// An API token to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Whether privileges are separated. The token then has no permissions at first.
    pub privsep: bool,
    /// When the token expires, in seconds since 1970.
    pub expire: Option<u64>,
    /// The comment.
    pub comment: Option<String>,
}

impl Default for NewToken {
    /// With separated privileges and without expiry.
    fn default() -> Self {
        Self {
            privsep: true,
            expire: None,
            comment: None,
        }
    }
}

/// A new token with its secret, which cannot be queried later.
#[derive(Clone, Debug, Deserialize)]
pub struct CreatedToken {
    /// The full ID: `root@pam!holdfast`.
    #[serde(rename = "full-tokenid", deserialize_with = "lenient::text")]
    pub id: String,
    /// The secret.
    #[serde(rename = "value", deserialize_with = "secret")]
    pub secret: Secret,
}

impl Client {
    /// The tokens of a user.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the user does not exist.
    pub async fn tokens(&self, user: &UserId) -> Result<Vec<ApiToken>, Error> {
        self.call(Call::get(&["access", "users", user.as_str(), "token"]))
            .await
    }

    /// Creates a token.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`]; [`Error::NotFound`] if the user does not exist.
    pub async fn create_token(
        &self,
        user: &UserId,
        name: &TokenName,
        token: &NewToken,
    ) -> Result<CreatedToken, Error> {
        let mut params = Params::default();
        params.flag("privsep", token.privsep);
        params.opt("expire", token.expire);
        params.opt_line("comment", token.comment.as_deref())?;
        self.call(Call::post(&path(user, name)).params(params))
            .await
    }

    /// Generates a new secret for a token; the old secret becomes invalid. Since release 9.2.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the token does not exist; [`Error::Invalid`] from an older release.
    pub async fn regenerate_token(
        &self,
        user: &UserId,
        name: &TokenName,
    ) -> Result<CreatedToken, Error> {
        let params = Params::default().with("regenerate", 1);
        self.call(Call::put(&path(user, name)).params(params)).await
    }

    /// Deletes a token and its permissions.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the token does not exist.
    pub async fn delete_token(&self, user: &UserId, name: &TokenName) -> Result<(), Error> {
        let call = Call::delete(&path(user, name));
        self.call::<IgnoredAny>(call).await.map(drop)
    }
}

fn path<'a>(user: &'a UserId, name: &'a TokenName) -> [&'a str; 5] {
    ["access", "users", user.as_str(), "token", name.as_str()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn created_token_debug_hides_secret() {
        let json = r#"{"info":{"comment":"c","expire":"4102444800","privsep":1},"value":"8f9f5a64-5d4b","full-tokenid":"zoe@pve!a1"}"#;
        let token: CreatedToken = serde_json::from_str(json).unwrap();
        assert_eq!(
            (&*token.id, token.secret.expose()),
            ("zoe@pve!a1", "8f9f5a64-5d4b")
        );
        assert!(!format!("{token:?}").contains("8f9f5a64"));
        assert!(serde_json::from_str::<CreatedToken>(r#"{"full-tokenid":"a"}"#).is_err());
    }

    #[test]
    fn token_privileges_are_separated_by_default() {
        let rows = r#"[{"tokenid":"ro"},{"tokenid":"t1","privsep":"0","expire":4102444800}]"#;
        let rows: Vec<ApiToken> = serde_json::from_str(rows).unwrap();
        assert!(rows[0].privsep && !rows[1].privsep);
        assert_eq!(
            (rows[0].expire, rows[1].expire),
            (None, Some(4_102_444_800))
        );
    }
}
