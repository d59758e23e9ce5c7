//! The signed-in user's own account: what they may use, their profile and password.

use model::{
    Error, Kind, UserId, account,
    permissions::{PasswordChange, Permit, ProfileChange},
    users::UserRow,
};
use store::{Conn, users::UserRecord};

use crate::{
    Actor, Control,
    failure::StoreResultExt as _,
    passwords::PersonalTexts,
    rate_limit::PASSWORD_CHANGES,
    sessions::{self, BrowserToken, ClientInfo, NewSession, UnstoredSession},
    throttle::{self, BucketFailure},
    users,
};

/// Returns the user's own account.
///
/// # Errors
/// [`Error::Unauthenticated`] without a user, [`Error::NotFound`] after the account was deleted.
pub async fn get(control: &Control, actor: &Actor) -> Result<UserRow, Error> {
    let me = actor.me().ok_or(Error::Unauthenticated)?;
    users::get(control, actor, &me.name).await
}

/// Changes the user's own name and email address.
///
/// # Errors
/// [`Error::Unauthenticated`] without a user, [`Error::NotFound`] after the account was deleted.
pub async fn change_profile(
    control: &Control,
    actor: &Actor,
    profile: account::Profile,
) -> Result<(), Error> {
    let me = actor.me().ok_or(Error::Unauthenticated)?.id;
    let permit = actor.permit_owned::<ProfileChange>(me, Kind::User)?;
    control
        .store()
        .write(move |c| store::users::update_profile(c, permit, me, &profile))
        .await
        .into_model("change profile")?;
    users::publish_change(control, me);
    Ok(())
}

/// Changes the user's own password. Ends all sessions of the user and begins a new one for this
/// browser. Wrong guesses of the current password count as failed sign-ins.
///
/// # Errors
/// [`Error::Invalid`] for a wrong current password, [`Error::TooManyRequests`] after too many of
/// them or too many changes, [`Error::Conflict`] during another change.
pub async fn change_password(
    control: &Control,
    actor: &Actor,
    change: account::PasswordChange,
    client: &ClientInfo,
) -> Result<NewSession, Error> {
    let me = actor.me().ok_or(Error::Unauthenticated)?;
    let permit = actor.permit_owned::<PasswordChange>(me.id, Kind::User)?;
    let Some(_in_progress) = control.0.mutexes.passwords.try_lock(me.id) else {
        return Err(Error::conflict(IN_PROGRESS));
    };
    check_rate(control, me.id).await?;
    let attempt = sessions::begin_attempt(control, Some(me.name.clone()), client).await?;
    // The account with this name may be another one since the session was read.
    let user = attempt.user.filter(|user| user.row.id == me.id);
    let user = user.ok_or(Error::Unauthenticated)?;
    let passwords = &control.0.passwords;
    let current = Some(user.password_hash.clone());
    if !passwords.matches(&change.current.0, current).await? {
        tracing::info!(account = %me.name, address = %client.address, "password change refused");
        return Err(wrong_password());
    }
    let row = &user.row;
    let personal = PersonalTexts::new(&row.name, &row.full_name, &row.email);
    let replacement = Replacement {
        permit,
        new_hash: passwords.hash_new("new", &change.new, &personal).await?,
        recorded_failures: attempt.recorded_failures,
        user,
    };
    let session = replacement.store(control, client).await?;
    sessions::own::publish(control, me.id);
    tracing::info!(account = %me.name, address = %client.address, "password changed");
    Ok(session)
}

/// Checks the number of changes before any password is hashed.
async fn check_rate(control: &Control, user: UserId) -> Result<(), Error> {
    let allowance = control
        .store()
        .read(move |c| PASSWORD_CHANGES.check(c, user));
    allowance
        .await
        .into_model("check password changes")?
        .map(drop)
}

/// A verified change of a password.
struct Replacement {
    permit: Permit<PasswordChange>,
    user: UserRecord,
    new_hash: String,
    /// The failures that were recorded for the attempt.
    recorded_failures: Vec<BucketFailure>,
}

impl Replacement {
    /// Stores the new password, and a session in place of all sessions of the user.
    async fn store(self, control: &Control, client: &ClientInfo) -> Result<NewSession, Error> {
        let session = UnstoredSession::new(self.user.row.id, client);
        let browser = BrowserToken::new();
        let (to_store, browser_hash) = (session.clone(), sessions::digest(&browser.token));
        let stored = control
            .store()
            .write(move |c| self.replace(c, &to_store, &browser_hash));
        stored.await.into_model("change own password")??;
        Ok(session.into_session(Some(browser)))
    }

    fn replace(
        &self,
        c: &mut Conn,
        session: &UnstoredSession,
        browser_hash: &str,
    ) -> Result<Result<(), Error>, store::Error> {
        let (id, old_hash) = (self.user.row.id, self.user.password_hash.as_str());
        let allowance = match PASSWORD_CHANGES.check(c, id)? {
            Ok(allowance) => allowance,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !store::users::replace_password(c, self.permit, id, old_hash, &self.new_hash)? {
            // Another request has changed the password since it was verified.
            return Ok(Err(wrong_password()));
        }
        allowance.record(c)?;
        throttle::record_success(c, &self.recorded_failures)?;
        store::sign_ins::forget_account(c, &self.user.row.name)?;
        session.replace_all(c, self.permit, browser_hash)?;
        Ok(Ok(()))
    }
}

const IN_PROGRESS: &str = "Another change of your password is in progress. Try again later.";

fn wrong_password() -> Error {
    Error::invalid_field("current", "This is not your current password.")
}
