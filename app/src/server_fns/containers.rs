//! Containers.

use leptos::prelude::*;
use model::{
    ContainerId, JobId,
    containers::{
        ContainerDetail, ContainerForm, ContainerQuery, ContainerRow, CreateOptions,
        CreatedContainer, Power,
    },
    page::Page,
};

use super::RequestError;

/// Gets the options of the form for a new container.
///
/// # Errors
/// As `control::containers::create_options`.
#[server(name = GetCreateOptions, prefix = "/api/ui", endpoint = "containers/create-options", input = server_fn::codec::Json)]
pub async fn create_options() -> Result<CreateOptions, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::containers::create_options(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Lists a page of the containers that the actor may see.
///
/// # Errors
/// As `control::containers::list`.
#[server(prefix = "/api/ui", endpoint = "containers/list", input = server_fn::codec::Json)]
pub async fn list(query: ContainerQuery) -> Result<Page<ContainerRow>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::containers::list(&control, &actor, &query)
        .await
        .map_err(super::into_request_error)
}

/// Gets one container; with `with_jobs`, also its running job and its latest jobs.
///
/// # Errors
/// As `control::containers::get_detail`.
#[server(prefix = "/api/ui", endpoint = "containers/get", input = server_fn::codec::Json)]
pub async fn get(
    site: String,
    name: String,
    with_jobs: bool,
) -> Result<ContainerDetail, RequestError> {
    let (control, actor) = super::authenticate().await?;
    // An invalid name is treated as not found.
    let (Ok(site), Ok(name)) = (site.parse(), name.parse()) else {
        return Err(super::into_request_error(model::Error::NotFound {
            kind: model::Kind::Container,
        }));
    };
    control::containers::get_detail(&control, &actor, &site, &name, with_jobs)
        .await
        .map_err(super::into_request_error)
}

/// Requests the creation of a container.
///
/// # Errors
/// Refused fields; as `control::containers::create`.
#[server(prefix = "/api/ui", endpoint = "containers/create", input = server_fn::codec::Json)]
pub async fn create(form: ContainerForm) -> Result<CreatedContainer, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let new = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::containers::create(&control, &actor, new)
        .await
        .map_err(super::into_request_error)
}

/// Updates a container that the actor read at `version`. Returns the job, if one is needed.
///
/// # Errors
/// Refused fields; a conflict if the container was changed meanwhile; as
/// `control::containers::edit`.
#[server(prefix = "/api/ui", endpoint = "containers/edit", input = server_fn::codec::Json)]
pub async fn edit(
    id: ContainerId,
    version: i64,
    form: ContainerForm,
    restart: bool,
) -> Result<Option<JobId>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let new = form
        .parse()
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    let change = model::containers::EditContainer {
        version,
        spec: new.spec,
        restart,
    };
    control::containers::edit(&control, &actor, id, change)
        .await
        .map_err(super::into_request_error)
}

/// Starts, stops or restarts a container.
///
/// # Errors
/// As `control::containers::power`.
#[server(name = PowerContainer, prefix = "/api/ui", endpoint = "containers/power", input = server_fn::codec::Json)]
pub async fn power(id: ContainerId, power: Power) -> Result<JobId, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::containers::power(&control, &actor, id, power)
        .await
        .map_err(super::into_request_error)
}

/// Turns the interface filters of an imported container on or off in the background.
///
/// # Errors
/// As `control::filters::set_for_container`.
#[server(name = SetContainerFilters, prefix = "/api/ui", endpoint = "containers/set-filters", input = server_fn::codec::Json)]
pub async fn set_filters(id: ContainerId, on: bool) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::filters::set_for_container(&control, &actor, id, on)
        .await
        .map_err(super::into_request_error)
}

/// Deletes a container; requires its name to be typed.
///
/// # Errors
/// As `control::containers::delete`.
#[server(prefix = "/api/ui", endpoint = "containers/delete", input = server_fn::codec::Json)]
pub async fn delete(id: ContainerId, confirm: String) -> Result<JobId, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::containers::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}
