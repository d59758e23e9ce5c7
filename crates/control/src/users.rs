//! User accounts, and the rules that keep an organization from locking itself out.

use model::{
    Error, Kind, UserId,
    events::{Event, Topic},
    names::Username,
    page::Page,
    permissions::{AccountRead, Permit, UserList, UserManage},
    text::Password,
    users::{AccountState, DecidedState, Role, UserRow, UserSpec, UserValues},
};
use store::Conn;

use crate::{Actor, Control, failure::StoreResultExt as _, passwords::PersonalTexts};

/// Lists the accounts by name.
///
/// # Errors
/// [`Error::Forbidden`] unless the actor is an administrator.
pub async fn list(
    control: &Control,
    actor: &Actor,
    q: &str,
    state: Option<AccountState>,
    page: u32,
) -> Result<Page<UserRow>, Error> {
    let _: Permit<UserList> = actor.permit()?;
    let q = q.trim().to_owned();
    control
        .store()
        .read(move |c| store::users::list(c, &q, state, page.max(1)))
        .await
        .into_model("list users")
}

/// Returns an account. Users may see their own.
///
/// # Errors
/// [`Error::NotFound`] when the account does not exist or the actor may not see it.
pub async fn get(control: &Control, actor: &Actor, name: &Username) -> Result<UserRow, Error> {
    let name = name.clone();
    let user = control
        .store()
        .read(move |c| store::users::get_by_name(c, &name))
        .await
        .into_model("get user")?
        .ok_or(Error::not_found(Kind::User))?;
    let _: Permit<AccountRead> = actor.permit_owned(user.row.id, Kind::User)?;
    Ok(user.row)
}

/// Creates an account.
///
/// # Errors
/// [`Error::Invalid`] for a name that exists or a missing password.
pub async fn create(control: &Control, actor: &Actor, spec: UserSpec) -> Result<UserId, Error> {
    let permit: Permit<UserManage> = actor.permit()?;
    let Some(password) = &spec.password else {
        return Err(Error::invalid_field(
            "password",
            "Enter a password for the new account.",
        ));
    };
    let new = store::users::NewUser {
        password_hash: hash_password(control, password, &spec.values).await?,
        values: spec.values,
        state: DecidedState::Active,
    };
    let id = control
        .store()
        .write(move |c| store::users::insert(c, permit, &new))
        .await
        .into_model("create user")?;
    publish_change(control, id);
    Ok(id)
}

/// Changes an account. A new password ends the waits after failed sign-ins and the account's
/// sessions.
///
/// # Errors
/// [`Error::Invalid`] when the last administrator would lose the role, or for a new password of the
/// actor's own account, which requires the current one.
pub async fn update(
    control: &Control,
    actor: &Actor,
    id: UserId,
    spec: UserSpec,
) -> Result<(), Error> {
    let permit: Permit<UserManage> = actor.permit()?;
    if spec.password.is_some() && actor.me().is_some_and(|me| me.id == id) {
        return Err(Error::invalid_field("password", "Change it under Account."));
    }
    let password_hash = match &spec.password {
        Some(password) => Some(hash_password(control, password, &spec.values).await?),
        None => None,
    };
    let change = store::users::UserUpdate {
        values: spec.values,
        password_hash,
    };
    let done = control
        .store()
        .write(move |c| {
            store::users::lock_all(c)?;
            let Some(user) = store::users::get(c, id)? else {
                return Ok(Err(Error::not_found(Kind::User)));
            };
            let (values, is_last) = (&change.values, is_last_administrator(c, &user.row)?);
            if is_last && values.role != Role::Administrator {
                return Ok(Err(Error::invalid_field("role", LAST_ADMINISTRATOR)));
            }
            if is_last && values.access_ends.is_some() {
                return Ok(Err(Error::invalid_field("access_ends", LAST_ADMINISTRATOR)));
            }
            store::users::update(c, permit, id, &change)?;
            if change.password_hash.is_some() {
                store::sign_ins::forget_account(c, &user.row.name)?;
                store::sign_ins::forget_browsers(c, id)?;
                store::sessions::delete_by_user(c, permit.narrow(), id)?;
            }
            Ok(Ok(()))
        })
        .await
        .into_model("update user")?;
    publish_change(control, id);
    done
}

/// Deletes an account that owns no containers.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the account's name, [`Error::Conflict`] while it owns
/// containers, is the actor's own or the last administrator's.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: UserId,
    confirm: &str,
) -> Result<(), Error> {
    let permit: Permit<UserManage> = actor.permit()?;
    if actor.me().is_some_and(|me| me.id == id) {
        return Err(Error::conflict(
            "You cannot delete your own account. Ask another administrator.",
        ));
    }
    let confirm = confirm.trim().to_owned();
    let done = control
        .store()
        .write(move |c| {
            store::users::lock_all(c)?;
            let Some(user) = store::users::get(c, id)? else {
                return Ok(Err(Error::not_found(Kind::User)));
            };
            if let Some(refusal) = refuse_delete(&user.row, &confirm) {
                return Ok(Err(refusal));
            }
            if is_last_administrator(c, &user.row)? {
                return Ok(Err(Error::conflict(LAST_ADMINISTRATOR)));
            }
            store::users::delete(c, permit, id)?;
            Ok(Ok(()))
        })
        .await
        .into_model("delete user")?;
    publish_change(control, id);
    done
}

/// Approves, suspends or reactivates an account. A suspension ends the user's sessions; containers
/// stay as they are.
///
/// # Errors
/// [`Error::Conflict`] for the actor's own account and for the last administrator.
pub async fn change_state(
    control: &Control,
    actor: &Actor,
    id: UserId,
    state: DecidedState,
) -> Result<(), Error> {
    let permit: Permit<UserManage> = actor.permit()?;
    if actor.me().is_some_and(|me| me.id == id) {
        return Err(Error::conflict(
            "You cannot suspend your own account. Ask another administrator.",
        ));
    }
    let changed = control
        .store()
        .write(move |c| {
            store::users::lock_all(c)?;
            let Some(user) = store::users::get(c, id)? else {
                return Ok(Err(Error::not_found(Kind::User)));
            };
            if state != DecidedState::Active {
                if is_last_administrator(c, &user.row)? {
                    return Ok(Err(Error::conflict(LAST_ADMINISTRATOR)));
                }
                store::sessions::delete_by_user(c, permit.narrow(), id)?;
            }
            store::users::update_state(c, permit, id, state)?;
            Ok(Ok(user.row.name))
        })
        .await
        .into_model("change state of user")??;
    let state = state.as_str();
    tracing::info!(account = %changed, state, "account state changed");
    publish_change(control, id);
    Ok(())
}

async fn hash_password(
    control: &Control,
    password: &Password,
    values: &UserValues,
) -> Result<String, Error> {
    let personal = PersonalTexts::new(&values.name, &values.full_name, &values.email);
    let passwords = &control.0.passwords;
    passwords.hash_new("password", password, &personal).await
}

const LAST_ADMINISTRATOR: &str = "This is the last active administrator without a last day of access. \
    Give another user this role first.";

/// Whether the user is the last active administrator without a last day of access. The accounts
/// must be locked.
fn is_last_administrator(c: &mut Conn, user: &UserRow) -> Result<bool, store::Error> {
    let is_permanent = user.role == Role::Administrator
        && user.state == AccountState::Active
        && user.access_ends.is_none();
    Ok(is_permanent && store::users::count_permanent_administrators(c)? < 2)
}

fn refuse_delete(user: &UserRow, confirm: &str) -> Option<Error> {
    if user.name.as_str() != confirm {
        return Some(Error::invalid_field(
            "confirm",
            format!("Type {} to delete the account.", user.name),
        ));
    }
    let owned = user.usage.containers;
    (owned > 0).then(|| {
        let name = &user.name;
        Error::conflict(match owned {
            1 => format!("{name} owns 1 container. Delete it first."),
            _ => format!("{name} owns {owned} containers. Delete them first."),
        })
    })
}

pub(crate) fn publish_change(control: &Control, id: UserId) {
    control
        .notifier()
        .publish_owned(Event::of(Topic::User, id.0), id);
}
