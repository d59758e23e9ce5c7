//! Users of Proxmox. Their tokens are in `tokens`, their permissions in `access`.

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    Client, Secret, UserId,
    error::Error,
    http::Call,
    lenient,
    params::{Params, joined, unsendable},
};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct User {
    /// The user ID with realm. Responses for a single user omit it; [`Client::user`] fills it in.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub userid: String,
    /// Whether the user is enabled.
    #[serde(
        rename = "enable",
        default = "lenient::on",
        deserialize_with = "lenient::flag_or_on"
    )]
    pub enabled: bool,
    /// When the user expires, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::expiry")]
    pub expire: Option<u64>,
    /// The first name.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub firstname: Option<String>,
    /// The last name.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub lastname: Option<String>,
    /// The email address.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub email: Option<String>,
    /// The comment.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub comment: Option<String>,
    /// The groups.
    #[serde(default, deserialize_with = "lenient::list")]
    pub groups: Vec<String>,
    /// The type of the realm: `pam`, `pve`, `ldap` and so on.
    #[serde(default, rename = "realm-type", deserialize_with = "lenient::opt_text")]
    pub realm_type: Option<String>,
}

/// The properties of a user. `None` leaves a property unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Whether the user is enabled.
    pub enabled: Option<bool>,
    /// When the user expires, in seconds since 1970; 0 means never.
    pub expire: Option<u64>,
    /// The first name.
    pub firstname: Option<String>,
    /// The last name.
    pub lastname: Option<String>,
    /// The email address.
    pub email: Option<String>,
    /// The comment.
    pub comment: Option<String>,
    /// All groups of the user.
    pub groups: Option<Vec<String>>,
}

/// A user to create.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The user ID with realm.
    pub userid: UserId,
    /// The password, 8 to 64 characters. Only the realm `pve` stores one.
    pub password: Option<Secret>,
    /// The other properties.
    pub options: UserChange,
}

impl UserChange {
    fn write(&self, params: &mut Params) -> Result<(), Error> {
        params.opt_flag("enable", self.enabled);
        params.opt("expire", self.expire);
        params.opt_line("firstname", self.firstname.as_deref())?;
        params.opt_line("lastname", self.lastname.as_deref())?;
        params.opt_line("email", self.email.as_deref())?;
        params.opt_line("comment", self.comment.as_deref())?;
        if let Some(groups) = &self.groups {
            params.set("groups", joined("groups", groups, ',')?);
        }
        Ok(())
    }
}

impl NewUser {
    fn params(&self) -> Result<Params, Error> {
        let mut params = Params::default().with("userid", &self.userid);
        if let Some(password) = &self.password {
            if !(8..=64).contains(&password.expose().chars().count()) {
                return Err(unsendable(
                    "password",
                    "the password must have 8 to 64 characters",
                ));
            }
            params.set("password", password.expose());
        }
        self.options.write(&mut params)?;
        Ok(params)
    }
}

impl Client {
    /// The users that the client's user may see.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        let params = Params::default().with("full", 1);
        self.call(Call::get(&["access", "users"]).params(params))
            .await
    }

    /// One user.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the user does not exist.
    pub async fn user(&self, user: &UserId) -> Result<User, Error> {
        let response: User = self
            .call(Call::get(&["access", "users", user.as_str()]))
            .await?;
        let userid = user.to_string();
        Ok(User { userid, ..response })
    }

    /// Creates a user.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`]; [`Error::NotFound`] if a group does not exist.
    pub async fn create_user(&self, user: &NewUser) -> Result<(), Error> {
        let call = Call::post(&["access", "users"]).params(user.params()?);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// Changes a user.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the user or a group does not exist.
    pub async fn update_user(&self, user: &UserId, change: &UserChange) -> Result<(), Error> {
        let mut params = Params::default();
        change.write(&mut params)?;
        let call = Call::put(&["access", "users", user.as_str()]).params(params);
        self.call::<IgnoredAny>(call).await.map(drop)
    }

    /// Deletes a user with its tokens and permissions.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the user does not exist.
    pub async fn delete_user(&self, user: &UserId) -> Result<(), Error> {
        let call = Call::delete(&["access", "users", user.as_str()]);
        self.call::<IgnoredAny>(call).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_parses_from_list_and_alone() {
        let rows = r#"[{"expire":0,"groups":"a,b","enable":1,"realm-type":"pve","tokens":[{"expire":1000,"privsep":0,"tokenid":"expd"}],"userid":"alice@pve"},{"enable":"0","groups":"","expire":"1000","tokens":null,"userid":"dave@pve"}]"#;
        let rows: Vec<User> = serde_json::from_str(rows).unwrap();
        assert_eq!(rows[0].groups, ["a", "b"]);
        assert_eq!((rows[0].expire, rows[1].expire), (None, Some(1000)));
        assert!(rows[0].enabled && !rows[1].enabled);
        let alone = r#"{"firstname":"Z","tokens":null,"groups":["c"],"expire":0}"#;
        let alone: User = serde_json::from_str(alone).unwrap();
        assert!(alone.enabled && alone.groups == ["c"] && alone.userid.is_empty());
    }

    #[test]
    fn password_length_is_checked_and_debug_hides_it() {
        let user = |password: &str| NewUser {
            userid: "zoe@pve".parse().unwrap(),
            password: Some(password.into()),
            options: UserChange::default(),
        };
        assert!(user("short").params().is_err());
        let params = user("long enough").params().unwrap();
        assert_eq!(params.pairs()[1].1, "long enough");
        assert!(!format!("{:?}", user("long enough")).contains("long"));
    }
}
