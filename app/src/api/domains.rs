//! Domains under which sites publish.

use leptos::prelude::*;
use model::{
    DomainId,
    domains::{DomainForm, DomainRow},
};

use super::Failure;

/// Every domain.
///
/// # Errors
/// As `control::domains::list`.
#[server(prefix = "/api/ui", endpoint = "domains/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<DomainRow>, Failure> {
    let (control, actor) = super::caller().await?;
    control::domains::list(&control, &actor)
        .await
        .map_err(super::told)
}

/// The domain of the key that an address names.
///
/// # Errors
/// As `control::domains::get`.
#[server(prefix = "/api/ui", endpoint = "domains/get", input = server_fn::codec::Json)]
pub async fn get(key: String) -> Result<DomainRow, Failure> {
    let (control, actor) = super::caller().await?;
    let Ok(id) = key.parse() else {
        // What cannot be a key is the key of nothing.
        return Err(super::told(model::Error::NotFound {
            kind: model::Kind::Domain,
        }));
    };
    control::domains::get(&control, &actor, id)
        .await
        .map_err(super::told)
}

/// Makes a domain.
///
/// # Errors
/// Refused fields; as `control::domains::create`.
#[server(prefix = "/api/ui", endpoint = "domains/create", input = server_fn::codec::Json)]
pub async fn create(form: DomainForm) -> Result<DomainId, Failure> {
    let (control, actor) = super::caller().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::told(model::Error::Invalid { fields }))?;
    control::domains::create(&control, &actor, spec)
        .await
        .map_err(super::told)
}

/// Changes a domain.
///
/// # Errors
/// Refused fields; as `control::domains::update`.
#[server(prefix = "/api/ui", endpoint = "domains/update", input = server_fn::codec::Json)]
pub async fn update(id: DomainId, form: DomainForm) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::told(model::Error::Invalid { fields }))?;
    control::domains::update(&control, &actor, id, spec)
        .await
        .map_err(super::told)
}

/// Deletes a domain, once its name was typed.
///
/// # Errors
/// As `control::domains::delete`.
#[server(prefix = "/api/ui", endpoint = "domains/delete", input = server_fn::codec::Json)]
pub async fn delete(id: DomainId, confirm: String) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::domains::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::told)
}
