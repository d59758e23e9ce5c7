//! Sites.

use leptos::prelude::*;
use model::{
    SiteId,
    filters::SiteIsolation,
    names::Label,
    sites::{SiteForm, SiteRow},
};

use super::RequestError;

/// Lists the sites that the actor may see.
///
/// # Errors
/// As `control::sites::list`.
#[server(prefix = "/api/ui", endpoint = "sites/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<SiteRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::sites::list(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Lists the names of the sites that the actor may see.
///
/// # Errors
/// As `control::sites::list_names`.
#[server(prefix = "/api/ui", endpoint = "sites/list-names", input = server_fn::codec::Json)]
pub async fn list_names() -> Result<Vec<Label>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::sites::list_names(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Gets one site.
///
/// # Errors
/// As `control::sites::get`.
#[server(prefix = "/api/ui", endpoint = "sites/get", input = server_fn::codec::Json)]
pub async fn get(name: String) -> Result<SiteRow, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let Ok(name) = name.parse() else {
        return Err(super::into_request_error(model::Error::NotFound {
            kind: model::Kind::Site,
        }));
    };
    control::sites::get(&control, &actor, &name)
        .await
        .map_err(super::into_request_error)
}

/// Creates a site.
///
/// # Errors
/// Refused fields; as `control::sites::create`.
#[server(prefix = "/api/ui", endpoint = "sites/create", input = server_fn::codec::Json)]
pub async fn create(form: SiteForm) -> Result<SiteId, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::sites::create(&control, &actor, spec)
        .await
        .map_err(super::into_request_error)
}

/// Updates a site.
///
/// # Errors
/// Refused fields; as `control::sites::update`.
#[server(prefix = "/api/ui", endpoint = "sites/update", input = server_fn::codec::Json)]
pub async fn update(id: SiteId, form: SiteForm) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::sites::update(&control, &actor, id, spec)
        .await
        .map_err(super::into_request_error)?;
    Ok(())
}

/// Gets whether the containers of a site are isolated from each other; queries the cluster.
///
/// # Errors
/// As `control::filters::get_isolation`.
#[server(prefix = "/api/ui", endpoint = "sites/get-isolation", input = server_fn::codec::Json)]
pub async fn get_isolation(id: SiteId) -> Result<SiteIsolation, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::filters::get_isolation(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Sets the interface filters of the containers of a site in the background.
///
/// # Errors
/// As `control::filters::set_for_site`.
#[server(name = SetSiteFilters, prefix = "/api/ui", endpoint = "sites/set-filters", input = server_fn::codec::Json)]
pub async fn set_filters(id: SiteId) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::filters::set_for_site(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Deletes a site; requires its name to be typed.
///
/// # Errors
/// As `control::sites::delete`.
#[server(prefix = "/api/ui", endpoint = "sites/delete", input = server_fn::codec::Json)]
pub async fn delete(id: SiteId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::sites::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}
