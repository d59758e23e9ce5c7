//! The signed-in user's own account: what they may use, and their password.

use model::{
    Error, Kind,
    account::PasswordChange,
    events::{Event, Topic},
    users::UserRow,
};

use crate::{
    Actor, Control,
    failure::StoreResultExt as _,
    notifier::Audience,
    sessions::{self, ClientInfo},
    throttle, users,
};

/// Returns the user's own account.
///
/// # Errors
/// [`Error::Unauthenticated`] without a user, [`Error::NotFound`] after the account was deleted.
pub async fn get(control: &Control, actor: &Actor) -> Result<UserRow, Error> {
    let me = actor.me().ok_or(Error::Unauthenticated)?;
    users::get(control, actor, &me.name).await
}

/// Changes the user's own password and ends their other sessions. Wrong guesses of the current
/// password count as failed sign-ins.
///
/// # Errors
/// [`Error::Invalid`] for a wrong current password, [`Error::Throttled`] after too many of them.
pub async fn change_password(
    control: &Control,
    actor: &Actor,
    change: PasswordChange,
    client: &ClientInfo,
) -> Result<(), Error> {
    let me = actor.me().ok_or(Error::Unauthenticated)?.clone();
    let attempt = sessions::begin_attempt(control, Some(me.name.clone()), client).await?;
    let (Some(user), recorded_failures) = (attempt.user, attempt.recorded_failures) else {
        return Err(Error::not_found(Kind::User));
    };
    let passwords = &control.0.passwords;
    let current = Some(user.password_hash.clone());
    if !passwords.matches(&change.current.0, current).await? {
        tracing::info!(account = %me.name, address = %client.address, "password change refused");
        return Err(Error::invalid_field("current", WRONG_PASSWORD));
    }
    let new_hash = passwords.hash(&change.new).await?;
    let kept_session = client.session_token.as_deref().map(sessions::digest);
    let changed = control
        .store()
        .write(move |c| {
            throttle::record_success(c, &recorded_failures)?;
            let (id, old_hash) = (user.row.id, user.password_hash.as_str());
            if !store::users::replace_password(c, id, old_hash, &new_hash)? {
                return Ok(false);
            }
            store::sign_ins::forget_account(c, &user.row.name)?;
            store::sign_ins::forget_browsers(c, id)?;
            store::sessions::delete_by_user(c, id, kept_session.as_deref())?;
            Ok(true)
        })
        .await
        .into_model("change own password")?;
    if !changed {
        // Another request has changed the password since it was verified.
        return Err(Error::invalid_field("current", WRONG_PASSWORD));
    }
    tracing::info!(account = %me.name, address = %client.address, "password changed");
    let event = Event::of(Topic::User, me.id.0);
    control.notifier().publish(event, Audience::Operators);
    Ok(())
}

const WRONG_PASSWORD: &str = "This is not your current password.";
