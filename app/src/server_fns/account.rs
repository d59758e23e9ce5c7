//! The signed-in user's own account.

use leptos::prelude::*;
use model::{account::PasswordForm, users::UserRow};

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
    let client = leptos_axum::extract::<axum::Extension<control::sessions::ClientInfo>>().await;
    let (Ok(axum::Extension(client)), Some(cookies), Some(response)) = (
        client,
        use_context::<crate::SessionCookies>(),
        use_context::<leptos_axum::ResponseOptions>(),
    ) else {
        return Err(super::into_request_error(model::Error::Unauthenticated));
    };
    let change = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    let session = control::account::change_password(&control, &actor, change, &client)
        .await
        .map_err(super::into_request_error)?;
    for cookie in (cookies.0)(&session) {
        response.append_header(axum::http::header::SET_COOKIE, cookie);
    }
    Ok(())
}
