//! Certificate authorities.

use leptos::prelude::*;
use model::{
    AuthorityId,
    authorities::{AuthorityForm, AuthorityRow},
};

use super::RequestError;

/// Lists all CAs.
///
/// # Errors
/// As `control::authorities::list`.
#[server(prefix = "/api/ui", endpoint = "authorities/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<AuthorityRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::authorities::list(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Gets the CA with the name in the URL.
///
/// # Errors
/// As `control::authorities::get`.
#[server(prefix = "/api/ui", endpoint = "authorities/get", input = server_fn::codec::Json)]
pub async fn get(name: String) -> Result<AuthorityRow, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let Ok(name) = name.parse() else {
        // An invalid name is treated as not found.
        return Err(super::into_request_error(model::Error::NotFound {
            kind: model::Kind::Authority,
        }));
    };
    control::authorities::get(&control, &actor, &name)
        .await
        .map_err(super::into_request_error)
}

/// Creates a CA.
///
/// # Errors
/// Refused fields; as `control::authorities::create`.
#[server(prefix = "/api/ui", endpoint = "authorities/create", input = server_fn::codec::Json)]
pub async fn create(form: AuthorityForm) -> Result<AuthorityId, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse(true)
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::authorities::create(&control, &actor, spec)
        .await
        .map_err(super::into_request_error)
}

/// Updates a CA.
///
/// # Errors
/// Refused fields; as `control::authorities::update`.
#[server(prefix = "/api/ui", endpoint = "authorities/update", input = server_fn::codec::Json)]
pub async fn update(id: AuthorityId, form: AuthorityForm) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse(false)
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::authorities::update(&control, &actor, id, spec)
        .await
        .map_err(super::into_request_error)
}

/// Deletes a CA; requires its name to be typed.
///
/// # Errors
/// As `control::authorities::delete`.
#[server(prefix = "/api/ui", endpoint = "authorities/delete", input = server_fn::codec::Json)]
pub async fn delete(id: AuthorityId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::authorities::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}
