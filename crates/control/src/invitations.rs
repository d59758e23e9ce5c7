//! Invitations: an administrator decides what the account may do, and the invited person chooses
//! its username and password. The link is valid once, for a week, while its inviter is an active
//! administrator.

use std::time::Duration;

use model::{
    Error, InvitationId, Kind,
    events::{Event, Topic},
    invitations::{Acceptance, InvitationRow, InvitationSpec, IssuedInvitation},
    names::Username,
    page::Page,
    permissions::{InvitationManage, Permit},
    users::{AccountState, DecidedState, UserValues},
};
use store::{Conn, users::NewUser};

use crate::{
    Actor, Control,
    clock::millis,
    failure::StoreResultExt as _,
    passwords::PersonalTexts,
    sessions::{self, BrowserToken, ClientInfo, NewSession, UnstoredSession},
    users,
};

/// How long a link is valid.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long an expired invitation is listed.
const KEPT_EXPIRED: Duration = Duration::from_secs(30 * 24 * 3600);

/// The path of the page on which an invitation is accepted.
pub const PATH: &str = "/sign-in/invitation";

const INVALID: &str =
    "This invitation has been used, was deleted or has expired. Ask for another one.";

/// Lists the invitations that have not been accepted, newest first.
///
/// # Errors
/// [`Error::Forbidden`] unless the actor is an administrator.
pub async fn list(
    control: &Control,
    actor: &Actor,
    page: u32,
) -> Result<Page<InvitationRow>, Error> {
    let _: Permit<InvitationManage> = actor.permit()?;
    control
        .store()
        .read(move |c| store::invitations::list(c, page))
        .await
        .into_model("list invitations")
}

/// Creates an invitation. The response has the link, of which only a hash is stored.
///
/// # Errors
/// [`Error::Forbidden`] unless the actor is an administrator, [`Error::Invalid`] for a last day of
/// access in the past.
pub async fn create(
    control: &Control,
    actor: &Actor,
    spec: InvitationSpec,
) -> Result<IssuedInvitation, Error> {
    let permit: Permit<InvitationManage> = actor.permit()?;
    let inviter = actor.me().ok_or(Error::Unauthenticated)?.id;
    let token = sessions::new_token();
    let new = store::invitations::NewInvitation {
        spec,
        token_hash: sessions::digest(&token),
        inviter,
        lifetime_ms: millis(LIFETIME),
    };
    let row = control
        .store()
        .write(move |c| {
            let now = store::now(c)?;
            if new.spec.access_ends.is_some_and(|ends| ends <= now) {
                let message = "Enter a date that is not in the past.";
                return Ok(Err(Error::invalid_field("access_ends", message)));
            }
            let id = store::invitations::insert(c, permit, &new)?;
            Ok(store::invitations::get(c, id)?.ok_or(Error::not_found(Kind::Invitation)))
        })
        .await
        .into_model("create invitation")??;
    publish(control, row.id);
    Ok(IssuedInvitation {
        row,
        link: format!("{PATH}?token={token}"),
    })
}

/// Deletes an invitation, so that its link becomes invalid.
///
/// # Errors
/// [`Error::NotFound`] for an invitation that was accepted or deleted.
pub async fn delete(control: &Control, actor: &Actor, id: InvitationId) -> Result<(), Error> {
    let permit: Permit<InvitationManage> = actor.permit()?;
    control
        .store()
        .write(move |c| store::invitations::delete(c, permit, id))
        .await
        .into_model("delete invitation")?
        .then_some(())
        .ok_or(Error::not_found(Kind::Invitation))?;
    publish(control, id);
    Ok(())
}

/// Returns the invitation of a link. The token takes the place of a permit.
///
/// # Errors
/// [`Error::Conflict`] for an invalid token.
pub async fn get(control: &Control, token: &str) -> Result<InvitationRow, Error> {
    let hash = sessions::digest(token);
    control
        .store()
        .read(move |c| get_valid(c, &hash))
        .await
        .into_model("get invitation")?
        .ok_or_else(|| Error::conflict(INVALID))
}

/// The invitation with this token hash, if its inviter may still invite.
fn get_valid(c: &mut Conn, token_hash: &str) -> Result<Option<InvitationRow>, store::Error> {
    let Some((invitation, inviter)) = store::invitations::get_valid(c, token_hash)? else {
        return Ok(None);
    };
    let inviter = store::users::get(c, inviter)?;
    let may_invite = inviter.is_some_and(|user| {
        user.row.role.may::<InvitationManage>() && user.row.state == AccountState::Active
    });
    Ok(may_invite.then_some(invitation))
}

/// Creates the account of an invitation and signs it in. The token takes the place of a permit.
///
/// # Errors
/// [`Error::Conflict`] for an invalid token, [`Error::Invalid`] for a taken name or a password
/// that is easy to guess.
pub async fn accept(
    control: &Control,
    token: &str,
    acceptance: Acceptance,
    client: &ClientInfo,
) -> Result<NewSession, Error> {
    let invitation = get(control, token).await?;
    // One hash at a time, however often the link is used.
    let Some(_in_progress) = control.0.mutexes.invitations.try_lock(invitation.id) else {
        return Err(Error::conflict(IN_PROGRESS));
    };
    require_free_name(control, &acceptance.name).await?;
    let name = acceptance.name.clone();
    let email = &invitation.spec.email;
    let personal = PersonalTexts::new(&name, &acceptance.full_name, email);
    let passwords = &control.0.passwords;
    let password_hash = passwords.hash_new("password", &acceptance.password, &personal);
    let new = NewUser {
        password_hash: password_hash.await?,
        values: values(acceptance, invitation.spec),
        state: DecidedState::Active,
    };
    let hash = sessions::digest(token);
    let browser = BrowserToken::new();
    let (client_info, browser_hash) = (client.clone(), sessions::digest(&browser.token));
    let (id, session) = control
        .store()
        .write(move |c| {
            // The inviter may have been suspended since, and is not from here on.
            store::users::lock_all(c)?;
            if get_valid(c, &hash)?.is_none() {
                return Ok(None);
            }
            let Some(id) = store::invitations::accept(c, &hash, &new)? else {
                return Ok(None);
            };
            let session = UnstoredSession::new(id, &client_info);
            session.insert_with_browser(c, &browser_hash)?;
            Ok(Some((id, session)))
        })
        .await
        .into_model("accept invitation")?
        .ok_or_else(|| Error::conflict(INVALID))?;
    tracing::info!(account = %name, address = %client.address, "invitation accepted");
    if let Some(earlier) = &client.session_token {
        sessions::sign_out(control, earlier).await?;
    }
    publish(control, invitation.id);
    users::publish_change(control, id);
    Ok(session.into_session(Some(browser)))
}

/// The values of the account: the person chooses the names, the invitation decides the rest.
fn values(acceptance: Acceptance, invitation: InvitationSpec) -> UserValues {
    UserValues {
        name: acceptance.name,
        full_name: acceptance.full_name,
        email: invitation.email,
        role: invitation.role,
        limits: invitation.limits,
        access_ends: invitation.access_ends,
    }
}

const IN_PROGRESS: &str = "The account is being created. Try again later.";

/// Checks the name before the password is hashed. The transaction checks it again.
async fn require_free_name(control: &Control, name: &Username) -> Result<(), Error> {
    let wanted = name.clone();
    let taken = control
        .store()
        .read(move |c| store::users::get_by_name(c, &wanted))
        .await
        .into_model("check name of new account")?;
    match taken {
        Some(_) => Err(Error::invalid_field("name", "Another user has this name.")),
        None => Ok(()),
    }
}

/// Deletes invitations that expired long ago.
///
/// # Errors
/// When the database is unavailable.
pub(crate) fn delete_expired(c: &mut Conn) -> Result<(), store::Error> {
    store::invitations::delete_expired(c, millis(KEPT_EXPIRED))?;
    Ok(())
}

fn publish(control: &Control, id: InvitationId) {
    control
        .notifier()
        .publish(Event::of(Topic::Invitation, id.0));
}
