//! The users of the demo. Their passwords are derived from the server's secret key: different for
//! each server, the same at each start, stored nowhere, and shown only to those who can start the
//! server.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{
    Error,
    names::Username,
    session::CurrentUser,
    users::{Role, UserForm},
};

use super::{Scenario, progress::Progress};
use crate::{Actor, Control, failure::StoreResultExt as _, setup::parse, users};

/// Length of a password in bytes.
const PASSWORD_BYTES: usize = 15;

/// An account of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoAccount {
    /// The name to sign in with.
    pub name: Username,
    /// The user's role.
    pub role: Role,
    /// The password; `None` when it was changed.
    pub password: Option<String>,
}

/// The users of a scenario with their passwords, for the console only. Creates missing users, and
/// leaves out users that were deleted.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub async fn list_accounts(
    control: &Control,
    scenario: Scenario,
) -> Result<Vec<DemoAccount>, Error> {
    let content = scenario.content();
    let mut progress = Progress::load(control).await?;
    if !progress.is_complete() {
        create(&mut progress, &content.users).await?;
    }
    let mut accounts = Vec::new();
    for form in &content.users {
        let name: Username = parse(&form.name)?;
        let existing = control
            .store()
            .read(move |c| store::users::get_by_name(c, &name))
            .await
            .into_model("get demo user")?;
        let Some(user) = existing else { continue };
        let password = password(control, &form.name);
        let hash = Some(user.password_hash);
        let matches = control.0.passwords.matches(&password, hash).await?;
        accounts.push(DemoAccount {
            name: user.row.name,
            role: user.row.role,
            password: matches.then_some(password),
        });
    }
    Ok(accounts)
}

pub(super) async fn create(progress: &mut Progress, users: &[UserForm]) -> Result<(), Error> {
    let control = progress.control().clone();
    for form in users {
        let step = format!("user {}", form.name);
        progress.run(&step, create_one(&control, form)).await?;
    }
    Ok(())
}

async fn create_one(control: &Control, form: &UserForm) -> Result<(), Error> {
    let form = UserForm {
        password: password(control, &form.name),
        ..form.clone()
    };
    let spec = form.parse().map_err(|fields| Error::Invalid { fields })?;
    users::create(control, &Actor::System, spec).await.map(drop)
}

fn password(control: &Control, name: &str) -> String {
    let secret = control
        .store()
        .secret_key()
        .derive(&format!("demo password of {name}"));
    URL_SAFE_NO_PAD.encode(secret.split_at(PASSWORD_BYTES).0)
}

/// The actor for a user name; the manager itself for `None`.
pub(super) async fn get_actor(control: &Control, name: Option<&str>) -> Result<Actor, Error> {
    let Some(name) = name else {
        return Ok(Actor::System);
    };
    let user = users::get(control, &Actor::System, &parse(name)?).await?;
    Ok(Actor::User(CurrentUser {
        id: user.id,
        name: user.name,
        role: user.role,
    }))
}
