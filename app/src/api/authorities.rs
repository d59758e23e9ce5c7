//! Authorities that give certificates.

use leptos::prelude::*;
use model::{
    AuthorityId,
    authorities::{AuthorityForm, AuthorityRow},
};

use super::Failure;

/// Every authority.
///
/// # Errors
/// As `control::authorities::list`.
#[server(prefix = "/api/ui", endpoint = "authorities/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<AuthorityRow>, Failure> {
    let (control, actor) = super::caller().await?;
    control::authorities::list(&control, &actor)
        .await
        .map_err(super::told)
}

/// The authority that an address names.
///
/// # Errors
/// As `control::authorities::get`.
#[server(prefix = "/api/ui", endpoint = "authorities/get", input = server_fn::codec::Json)]
pub async fn get(name: String) -> Result<AuthorityRow, Failure> {
    let (control, actor) = super::caller().await?;
    let Ok(name) = name.parse() else {
        // What cannot be a name is the name of nothing.
        return Err(super::told(model::Error::NotFound {
            kind: model::Kind::Authority,
        }));
    };
    control::authorities::get(&control, &actor, &name)
        .await
        .map_err(super::told)
}

/// Adds an authority.
///
/// # Errors
/// Refused fields; as `control::authorities::create`.
#[server(prefix = "/api/ui", endpoint = "authorities/create", input = server_fn::codec::Json)]
pub async fn create(form: AuthorityForm) -> Result<AuthorityId, Failure> {
    let (control, actor) = super::caller().await?;
    let spec = form
        .parse(true)
        .map_err(|fields| super::told(model::Error::Invalid { fields }))?;
    control::authorities::create(&control, &actor, spec)
        .await
        .map_err(super::told)
}

/// Changes an authority.
///
/// # Errors
/// Refused fields; as `control::authorities::update`.
#[server(prefix = "/api/ui", endpoint = "authorities/update", input = server_fn::codec::Json)]
pub async fn update(id: AuthorityId, form: AuthorityForm) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    let spec = form
        .parse(false)
        .map_err(|fields| super::told(model::Error::Invalid { fields }))?;
    control::authorities::update(&control, &actor, id, spec)
        .await
        .map_err(super::told)
}

/// Deletes an authority, once its name was typed.
///
/// # Errors
/// As `control::authorities::delete`.
#[server(prefix = "/api/ui", endpoint = "authorities/delete", input = server_fn::codec::Json)]
pub async fn delete(id: AuthorityId, confirm: String) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::authorities::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::told)
}
