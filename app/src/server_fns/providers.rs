//! DNS providers.

use leptos::prelude::*;
use model::{
    ProviderId,
    providers::{ProviderCheck, ProviderForm, ProviderRow},
};

use super::RequestError;

/// Lists all DNS providers.
///
/// # Errors
/// As `control::providers::list`.
#[server(prefix = "/api/ui", endpoint = "providers/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<ProviderRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::providers::list(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Gets the DNS provider with the name in the URL.
///
/// # Errors
/// As `control::providers::get`.
#[server(prefix = "/api/ui", endpoint = "providers/get", input = server_fn::codec::Json)]
pub async fn get(name: String) -> Result<ProviderRow, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let Ok(name) = name.parse() else {
        // An invalid name is treated as not found.
        return Err(super::into_request_error(model::Error::NotFound {
            kind: model::Kind::Provider,
        }));
    };
    control::providers::get(&control, &actor, &name)
        .await
        .map_err(super::into_request_error)
}

/// Creates a DNS provider.
///
/// # Errors
/// Refused fields; as `control::providers::create`.
#[server(prefix = "/api/ui", endpoint = "providers/create", input = server_fn::codec::Json)]
pub async fn create(form: ProviderForm) -> Result<ProviderId, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse(true)
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::providers::create(&control, &actor, spec)
        .await
        .map_err(super::into_request_error)
}

/// Updates a DNS provider.
///
/// # Errors
/// Refused fields; as `control::providers::update`.
#[server(prefix = "/api/ui", endpoint = "providers/update", input = server_fn::codec::Json)]
pub async fn update(id: ProviderId, form: ProviderForm) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse(false)
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::providers::update(&control, &actor, id, spec)
        .await
        .map_err(super::into_request_error)
}

/// Tests what a DNS provider can do for a domain, step by step.
///
/// # Errors
/// An invalid domain; as `control::providers::test`.
#[server(prefix = "/api/ui", endpoint = "providers/test", input = server_fn::codec::Json)]
pub async fn test(id: ProviderId, domain: String) -> Result<Vec<ProviderCheck>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let domain = domain.parse().map_err(|invalid: model::Invalid| {
        let fields = vec![invalid.for_field("domain")];
        super::into_request_error(model::Error::Invalid { fields })
    })?;
    control::providers::test(&control, &actor, id, &domain)
        .await
        .map_err(super::into_request_error)
}

/// Deletes a DNS provider; requires its name to be typed.
///
/// # Errors
/// As `control::providers::delete`.
#[server(prefix = "/api/ui", endpoint = "providers/delete", input = server_fn::codec::Json)]
pub async fn delete(id: ProviderId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::providers::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}
