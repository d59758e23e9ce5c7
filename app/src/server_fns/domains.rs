//! Domains that services are published under.

use leptos::prelude::*;
use model::{
    DomainId,
    domains::{DomainDetail, DomainForm, DomainRow, DomainTab, NewDomainOptions},
};

use super::RequestError;

/// Lists all domains.
///
/// # Errors
/// As `control::domains::list`.
#[server(prefix = "/api/ui", endpoint = "domains/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<DomainRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::domains::list(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Gets the options of the form for a new domain.
///
/// # Errors
/// As `control::domains::create_options`.
#[server(prefix = "/api/ui", endpoint = "domains/create-options", input = server_fn::codec::Json)]
pub async fn create_options() -> Result<NewDomainOptions, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::domains::create_options(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Gets the domain with the id in the URL, with the data of a tab of its page.
///
/// # Errors
/// As `control::domains::get_detail`.
#[server(prefix = "/api/ui", endpoint = "domains/get", input = server_fn::codec::Json)]
pub async fn get(key: String, tab: DomainTab) -> Result<DomainDetail, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let Ok(id) = key.parse() else {
        // An invalid id is treated as not found.
        return Err(super::into_request_error(model::Error::NotFound {
            kind: model::Kind::Domain,
        }));
    };
    control::domains::get_detail(&control, &actor, id, tab)
        .await
        .map_err(super::into_request_error)
}

/// Creates a domain.
///
/// # Errors
/// Refused fields; as `control::domains::create`.
#[server(prefix = "/api/ui", endpoint = "domains/create", input = server_fn::codec::Json)]
pub async fn create(form: DomainForm) -> Result<DomainId, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::domains::create(&control, &actor, spec)
        .await
        .map_err(super::into_request_error)
}

/// Updates a domain.
///
/// # Errors
/// Refused fields; as `control::domains::update`.
#[server(prefix = "/api/ui", endpoint = "domains/update", input = server_fn::codec::Json)]
pub async fn update(id: DomainId, form: DomainForm) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::domains::update(&control, &actor, id, spec)
        .await
        .map_err(super::into_request_error)
}

/// Deletes a domain; requires its name to be typed.
///
/// # Errors
/// As `control::domains::delete`.
#[server(prefix = "/api/ui", endpoint = "domains/delete", input = server_fn::codec::Json)]
pub async fn delete(id: DomainId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::domains::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}
