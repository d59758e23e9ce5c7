//! The first start: an administrator, and a cluster and more for the demo.

pub mod demo;

use model::{
    ClusterId, Error,
    names::Username,
    text::Password,
    users::{Limits, Role, UserSpec},
};

use crate::{
    Actor, Control,
    failure::{Told as _, internal},
    users,
};

/// The first administrator, whose password is told once and kept nowhere.
pub struct FirstAdministrator {
    /// The name to sign in with.
    pub name: Username,
    /// The password, for the console alone.
    pub password: String,
}

/// Makes the administrator `admin` when there is no account at all.
///
/// # Errors
/// When the database does not answer.
pub async fn first_run(control: &Control) -> Result<Option<FirstAdministrator>, Error> {
    if control
        .store()
        .read(store::users::any)
        .await
        .told("first run")?
    {
        return Ok(None);
    }
    let password = random_password();
    let name: Username = parsed("admin")?;
    let spec = UserSpec {
        name: name.clone(),
        mail: parsed("admin@localhost")?,
        role: Role::Administrator,
        limits: Limits::default(),
        password: Some(parsed::<Password>(&password)?),
    };
    users::create(control, &Actor::System, spec).await?;
    Ok(Some(FirstAdministrator { name, password }))
}

/// The name of the administrator whose account is the oldest.
///
/// # Errors
/// When the database does not answer.
pub async fn first_administrator(control: &Control) -> Result<Option<Username>, Error> {
    control
        .store()
        .read(|c| match store::users::first(c)? {
            Some(id) => Ok(store::users::get(c, id)?.map(|user| user.row.name)),
            None => Ok(None),
        })
        .await
        .told("administrator")
}

/// Where a cluster's API is and how to sign in there. Without TLS, so on this machine alone.
pub struct Access {
    /// Such as `http://127.0.0.1:8006`.
    pub url: String,
    /// Such as `root@pam!holdfast`.
    pub token_id: String,
    /// The token's secret.
    pub secret: String,
}

/// Makes the cluster `name`, or brings its access up to date, and observes it.
///
/// # Errors
/// When the database does not answer or the access is ill-formed.
pub async fn cluster(control: &Control, name: &str, access: Access) -> Result<ClusterId, Error> {
    let key = control.store().key().clone();
    let access = store::clusters::Access {
        name: name.to_owned(),
        url: parsed(&access.url)?,
        login: parsed(&access.token_id)?,
        secret: access.secret,
        certificates: store::clusters::Certificates::new(),
    };
    let id = control
        .store()
        .write(
            move |c| match store::clusters::by_name(c, &key, &access.name)? {
                Some(known) => {
                    store::clusters::update(c, &key, known.id, &access)?;
                    Ok(known.id)
                }
                None => store::clusters::insert(c, &key, &access),
            },
        )
        .await
        .told("cluster")?;
    control.load_clusters().await?;
    control
        .observer()
        .wait_for_first(id, std::time::Duration::from_secs(5))
        .await;
    Ok(id)
}

fn random_password() -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 15]>())
}

fn parsed<T: std::str::FromStr<Err = model::Invalid>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|e| internal("set-up", &e))
}
