//! User accounts.

use leptos::prelude::*;
use model::{
    UserId,
    page::Page,
    users::{DecidedState, UserForm, UserRow},
};

use super::RequestError;

/// Lists a page of the users in `state`, empty for all, whose names or email contain `q`.
///
/// # Errors
/// As `control::users::list`.
#[server(prefix = "/api/ui", endpoint = "users/list", input = server_fn::codec::Json)]
pub async fn list(q: String, state: String, page: u32) -> Result<Page<UserRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let state = state.parse().ok();
    control::users::list(&control, &actor, &q, state, page)
        .await
        .map_err(super::into_request_error)
}

/// Gets one user.
///
/// # Errors
/// As `control::users::get`.
#[server(prefix = "/api/ui", endpoint = "users/get", input = server_fn::codec::Json)]
pub async fn get(name: String) -> Result<UserRow, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let Ok(name) = name.parse() else {
        return Err(super::into_request_error(model::Error::NotFound {
            kind: model::Kind::User,
        }));
    };
    control::users::get(&control, &actor, &name)
        .await
        .map_err(super::into_request_error)
}

/// Creates a user.
///
/// # Errors
/// Refused fields; as `control::users::create`.
#[server(prefix = "/api/ui", endpoint = "users/create", input = server_fn::codec::Json)]
pub async fn create(form: UserForm) -> Result<UserId, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::users::create(&control, &actor, spec)
        .await
        .map_err(super::into_request_error)
}

/// Updates a user.
///
/// # Errors
/// Refused fields; as `control::users::update`.
#[server(prefix = "/api/ui", endpoint = "users/update", input = server_fn::codec::Json)]
pub async fn update(id: UserId, form: UserForm) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::users::update(&control, &actor, id, spec)
        .await
        .map_err(super::into_request_error)?;
    Ok(())
}

/// Approves, suspends or reactivates a user.
///
/// # Errors
/// As `control::users::change_state`.
#[server(prefix = "/api/ui", endpoint = "users/change-state", input = server_fn::codec::Json)]
pub async fn change_state(id: UserId, state: DecidedState) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::users::change_state(&control, &actor, id, state)
        .await
        .map_err(super::into_request_error)
}

/// Deletes a user; requires the name to be typed.
///
/// # Errors
/// As `control::users::delete`.
#[server(prefix = "/api/ui", endpoint = "users/delete", input = server_fn::codec::Json)]
pub async fn delete(id: UserId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::users::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}
