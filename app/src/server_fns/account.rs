//! The signed-in user's own account.

use leptos::prelude::*;
use model::{account::PasswordForm, users::UserRow};

use super::Failure;

/// Gets the user's own account.
///
/// # Errors
/// As `control::account::get`.
#[server(name = GetAccount, prefix = "/api/ui", endpoint = "account/get", input = server_fn::codec::Json)]
pub async fn get() -> Result<UserRow, Failure> {
    let (control, actor) = super::caller().await?;
    control::account::get(&control, &actor)
        .await
        .map_err(super::into_failure)
}

/// Changes the user's own password.
///
/// # Errors
/// Refused fields; as `control::account::change_password`.
#[server(prefix = "/api/ui", endpoint = "account/change-password", input = server_fn::codec::Json)]
pub async fn change_password(form: PasswordForm) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    let client = leptos_axum::extract::<axum::Extension<control::sessions::ClientInfo>>().await;
    let axum::Extension(client) =
        client.map_err(|_| super::into_failure(model::Error::Unauthenticated))?;
    let change = form
        .parse()
        .map_err(|fields| super::into_failure(model::Error::Invalid { fields }))?;
    control::account::change_password(&control, &actor, change, &client)
        .await
        .map_err(super::into_failure)
}
