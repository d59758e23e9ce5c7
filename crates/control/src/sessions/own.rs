//! The sessions of the signed-in user.

use model::{
    Error, Kind, UserId,
    account::{SessionId, SessionRow},
    events::{Event, Topic},
    permissions::SessionManage,
};

use super::{ClientInfo, IDLE_TIMEOUT, digest};
use crate::{Actor, Control, clock::millis, failure::StoreResultExt as _};

/// Lists the user's valid sessions, the last used first. `client` has the token of the current one.
///
/// # Errors
/// [`Error::Unauthenticated`] without a user.
pub async fn list(
    control: &Control,
    actor: &Actor,
    client: &ClientInfo,
) -> Result<Vec<SessionRow>, Error> {
    let me = actor.me().ok_or(Error::Unauthenticated)?.id;
    let _ = actor.permit_owned::<SessionManage>(me, Kind::Session)?;
    let current = client.session_token.as_deref().map(digest);
    control
        .store()
        .read(move |c| {
            store::sessions::list_by_user(c, me, current.as_deref(), millis(IDLE_TIMEOUT))
        })
        .await
        .into_model("list own sessions")
}

/// Ends one of the user's sessions.
///
/// # Errors
/// [`Error::NotFound`] for a session that has ended or belongs to another user.
pub async fn end(control: &Control, actor: &Actor, id: SessionId) -> Result<(), Error> {
    let me = actor.me().ok_or(Error::Unauthenticated)?.id;
    let permit = actor.permit_owned::<SessionManage>(me, Kind::Session)?;
    control
        .store()
        .write(move |c| store::sessions::delete_by_id(c, permit, me, &id))
        .await
        .into_model("end own session")?
        .then_some(())
        .ok_or(Error::not_found(Kind::Session))?;
    publish(control, me);
    Ok(())
}

/// Ends the user's sessions except the current one.
///
/// # Errors
/// [`Error::Unauthenticated`] without a user.
pub async fn end_others(
    control: &Control,
    actor: &Actor,
    client: &ClientInfo,
) -> Result<(), Error> {
    let me = actor.me().ok_or(Error::Unauthenticated)?;
    let (id, permit) = (
        me.id,
        actor.permit_owned::<SessionManage>(me.id, Kind::Session)?,
    );
    let current = client.session_token.as_deref().map(digest);
    let ended = control
        .store()
        .write(move |c| store::sessions::delete_others(c, permit, id, current.as_deref()))
        .await
        .into_model("end other sessions")?;
    tracing::info!(account = %me.name, address = %client.address, ended, "other sessions ended");
    publish(control, id);
    Ok(())
}

/// Publishes that the sessions of a user changed.
pub(crate) fn publish(control: &Control, user: UserId) {
    control
        .notifier()
        .publish_owned(Event::of(Topic::Session, user.0), user);
}
