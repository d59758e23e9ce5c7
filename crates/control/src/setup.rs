//! First start: creates the administrator, and the cluster and sample data of the demo.

pub mod demo;

use model::{
    ClusterId, Error,
    names::Username,
    permissions::{ClusterManage, Permit},
    text::{FullName, Password},
    users::{Limits, Role, UserSpec, UserValues},
};
use store::Conn;

use crate::{
    Actor, Control,
    failure::{StoreResultExt as _, internal},
    users,
};

/// The first administrator. The password is shown once and stored only as a hash.
pub struct FirstAdministrator {
    /// The name to sign in with.
    pub name: Username,
    /// The password, for the console only.
    pub password: String,
}

/// Creates the administrator `admin` if no account exists. Returns `None` if another server on the
/// database created it at the same time.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub async fn create_first_administrator(
    control: &Control,
) -> Result<Option<FirstAdministrator>, Error> {
    if has_account(control).await? {
        return Ok(None);
    }
    let password = random_password();
    let name: Username = parse("admin")?;
    let spec = UserSpec {
        values: UserValues {
            name: name.clone(),
            full_name: FullName::default(),
            email: parse("admin@localhost")?,
            role: Role::Administrator,
            limits: Limits::default(),
            access_ends: None,
        },
        password: Some(parse::<Password>(&password)?),
    };
    match users::create(control, &Actor::System, spec).await {
        Ok(_) => Ok(Some(FirstAdministrator { name, password })),
        Err(Error::Invalid { .. }) if has_account(control).await? => Ok(None),
        Err(error) => Err(error),
    }
}

async fn has_account(control: &Control) -> Result<bool, Error> {
    let any = control.store().read(store::users::has_any).await;
    any.into_model("check for first run")
}

/// The name of the oldest active administrator.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub async fn get_first_administrator(control: &Control) -> Result<Option<Username>, Error> {
    control
        .store()
        .read(|c| match store::users::get_first_administrator(c)? {
            Some(id) => Ok(store::users::get(c, id)?.map(|user| user.row.name)),
            None => Ok(None),
        })
        .await
        .into_model("get first administrator")
}

/// The URL and credentials of a cluster without TLS, therefore only for this machine.
pub struct Access {
    /// Such as `http://127.0.0.1:8006`.
    pub url: String,
    /// Such as `root@pam!holdfast`.
    pub token_id: String,
    /// The token's secret.
    pub secret: String,
}

/// Creates the cluster `name` or updates its access, and observes it.
///
/// # Errors
/// Returns an error when the database is unavailable or the access is malformed.
pub async fn upsert_cluster(
    control: &Control,
    name: &str,
    access: Access,
) -> Result<ClusterId, Error> {
    let permit: Permit<ClusterManage> = Actor::System.permit()?;
    let key = control.store().secret_key().clone();
    let access = store::clusters::ConnectionSettings {
        name: name.to_owned(),
        url: parse(&access.url)?,
        account: parse(&access.token_id)?,
        secret: access.secret,
        pinned_certificates: store::clusters::PinnedCertificates::new(),
    };
    let upsert = move |c: &mut Conn| match store::clusters::get_by_name(c, &key, &access.name)? {
        Some(existing) => {
            store::clusters::update(c, permit, &key, existing.id, &access)?;
            Ok(existing.id)
        }
        None => store::clusters::insert(c, permit, &key, &access),
    };
    let id = match control.store().write(upsert.clone()).await {
        // Another server on the database inserted it first.
        Err(store::Error::Duplicate(_)) => control.store().write(upsert).await,
        upserted => upserted,
    };
    let id = id.into_model("set up cluster")?;
    control.load_clusters().await?;
    control
        .observer()
        .wait_until_observed(id, std::time::Duration::from_secs(5))
        .await;
    Ok(id)
}

fn random_password() -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 15]>())
}

fn parse<T: std::str::FromStr<Err = model::Invalid>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|e| internal("parse set-up value", &e))
}
