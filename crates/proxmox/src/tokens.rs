//! API tokens of accounts: made, listed, made anew and deleted. A secret is shown once.

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    Client, Secret, TokenName, UserId, console::secret, error::Error, http::Call, lenient,
    params::Params,
};

/// A token of an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ApiToken {
    /// Its name, without the account.
    #[serde(deserialize_with = "lenient::text")]
    pub tokenid: String,
    /// Whether it has rights of its own only, and never more than its account. Else it has those of
    /// its account.
    #[serde(default = "lenient::on", deserialize_with = "lenient::flag_or_on")]
    pub privsep: bool,
    /// When it ends, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::expiry")]
    pub expire: Option<u64>,
    /// What is written beside it.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comment: Option<String>,
}

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Whether it gets rights of its own only; it has none at first then.
    pub privsep: bool,
    /// When it ends, in seconds since 1970.
    pub expire: Option<u64>,
    /// What is written beside it.
    pub comment: Option<String>,
}

impl Default for NewToken {
    /// With rights of its own only, and without end.
    fn default() -> Self {
        Self {
            privsep: true,
            expire: None,
            comment: None,
        }
    }
}

/// A token that was just made, with its secret, which nobody can ask for again.
#[derive(Clone, Debug, Deserialize)]
pub struct CreatedToken {
    /// What to sign in with: `root@pam!holdfast`.
    #[serde(rename = "full-tokenid", deserialize_with = "lenient::text")]
    pub id: String,
    /// Its secret.
    #[serde(rename = "value", deserialize_with = "secret")]
    pub secret: Secret,
}

impl Client {
    /// The tokens of an account.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an account.
    pub async fn tokens(&self, user: &UserId) -> Result<Vec<ApiToken>, Error> {
        self.call(Call::get(&["access", "users", user.as_str(), "token"]))
            .await
    }

    /// Makes a token.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`]; [`Error::NotFound`] without such an account.
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

    /// Gives a token another secret; the old one is worth nothing from then on. Since release 9.2.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a token; [`Error::Invalid`] from an older release.
    pub async fn regenerate_token(
        &self,
        user: &UserId,
        name: &TokenName,
    ) -> Result<CreatedToken, Error> {
        let params = Params::default().with("regenerate", 1);
        self.call(Call::put(&path(user, name)).params(params)).await
    }

    /// Deletes a token and its rights.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a token.
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
    fn a_new_token_shows_its_secret_once_and_never_in_a_log() {
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
    fn a_token_without_a_word_about_it_has_rights_of_its_own() {
        let rows = r#"[{"tokenid":"ro"},{"tokenid":"t1","privsep":"0","expire":4102444800}]"#;
        let rows: Vec<ApiToken> = serde_json::from_str(rows).unwrap();
        assert!(rows[0].privsep && !rows[1].privsep);
        assert_eq!(
            (rows[0].expire, rows[1].expire),
            (None, Some(4_102_444_800))
        );
    }
}
