//! The signed-in user's own account.

use leptos::prelude::*;
use model::{
    account::{PasswordForm, ProfileForm, SessionId, SessionRow},
    users::UserRow,
};

use super::RequestError;

/// Gets the user's own account.
///
/// # Errors
/// As `control::account::get`.
#[server(name = GetAccount, prefix = "/api/ui", endpoint = "account/get", input = server_fn::codec::Json)]
pub async fn get() -> Result<UserRow, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::account::get(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Changes the user's own password. The response has the cookies of a new session.
///
/// # Errors
/// Refused fields; as `control::account::change_password`.
#[server(prefix = "/api/ui", endpoint = "account/change-password", input = server_fn::codec::Json)]
pub async fn change_password(form: PasswordForm) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    let (client, response) = (
        super::client_info().await?,
        super::SessionResponse::obtain()?,
    );
    let change = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    let session = control::account::change_password(&control, &actor, change, &client)
        .await
        .map_err(super::into_request_error)?;
    response.set(&session);
    Ok(())
}

/// Changes the user's own name and email address.
///
/// # Errors
/// Refused fields; as `control::account::change_profile`.
#[server(prefix = "/api/ui", endpoint = "account/change-profile", input = server_fn::codec::Json)]
pub async fn change_profile(form: ProfileForm) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    let profile = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::account::change_profile(&control, &actor, profile)
        .await
        .map_err(super::into_request_error)
}

/// Lists the user's sessions.
///
/// # Errors
/// As `control::sessions::own::list`.
#[server(prefix = "/api/ui", endpoint = "account/list-sessions", input = server_fn::codec::Json)]
pub async fn list_sessions() -> Result<Vec<SessionRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let client = super::client_info().await?;
    control::sessions::own::list(&control, &actor, &client)
        .await
        .map_err(super::into_request_error)
}

/// Ends one of the user's sessions.
///
/// # Errors
/// As `control::sessions::own::end`.
#[server(prefix = "/api/ui", endpoint = "account/end-session", input = server_fn::codec::Json)]
pub async fn end_session(id: SessionId) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::sessions::own::end(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Ends the user's sessions except the current one.
///
/// # Errors
/// As `control::sessions::own::end_others`.
#[server(prefix = "/api/ui", endpoint = "account/end-other-sessions", input = server_fn::codec::Json)]
pub async fn end_other_sessions() -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    let client = super::client_info().await?;
    control::sessions::own::end_others(&control, &actor, &client)
        .await
        .map_err(super::into_request_error)
}
