//! Containers.

use std::ops::Deref;

use leptos::prelude::*;
use model::{
    ContainerId, JobId,
    containers::{
        ContainerForm, ContainerQuery, ContainerRow, ContainerView, CreateOptions, Power,
    },
    jobs::{JobRow, JobView},
    names::Label,
    page::Page,
};
use serde::{Deserialize, Serialize};

use super::Failure;

/// A container whose creation was requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedContainer {
    /// Its site's name.
    pub site: Label,
    /// Its name.
    pub name: Label,
    /// The job that creates the container.
    pub job: JobId,
}

/// The options of the form for a new container.
///
/// # Errors
/// As `control::containers::options`.
#[server(prefix = "/api/ui", endpoint = "containers/options", input = server_fn::codec::Json)]
pub async fn options() -> Result<CreateOptions, Failure> {
    let (control, actor) = super::caller().await?;
    control::containers::create_options(&control, &actor)
        .await
        .map_err(super::into_failure)
}

/// Lists a page of the containers that the caller may see.
///
/// # Errors
/// As `control::containers::list`.
#[server(prefix = "/api/ui", endpoint = "containers/list", input = server_fn::codec::Json)]
pub async fn list(query: ContainerQuery) -> Result<Page<ContainerRow>, Failure> {
    let (control, actor) = super::caller().await?;
    control::containers::list(&control, &actor, &query)
        .await
        .map_err(super::into_failure)
}

/// A container with the data of its page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The container.
    pub view: ContainerView,
    /// The running job, if `whole` was requested.
    pub work: Option<JobView>,
    /// The latest jobs, if `whole` was requested.
    pub jobs: Option<Page<JobRow>>,
}

impl Deref for Shown {
    type Target = ContainerView;

    fn deref(&self) -> &ContainerView {
        &self.view
    }
}

/// Gets one container; with `whole`, also all data of its page in one request.
///
/// # Errors
/// As `control::containers::get`.
#[server(prefix = "/api/ui", endpoint = "containers/get", input = server_fn::codec::Json)]
pub async fn get(site: String, name: String, whole: bool) -> Result<Shown, Failure> {
    let (control, actor) = super::caller().await?;
    // An invalid name is treated as not found.
    let (Ok(site), Ok(name)) = (site.parse(), name.parse()) else {
        return Err(super::into_failure(model::Error::NotFound {
            kind: model::Kind::Container,
        }));
    };
    let view = control::containers::get(&control, &actor, &site, &name)
        .await
        .map_err(super::into_failure)?;
    let (mut work, mut jobs) = (None, None);
    if whole {
        let query = model::jobs::JobQuery {
            container: Some(view.row.id),
            page: 1,
            ..Default::default()
        };
        jobs = control::jobs::list(&control, &actor, &query).await.ok();
        if let Some(activity) = view.row.activity {
            work = control::jobs::get(&control, &actor, activity.job)
                .await
                .ok();
        }
    }
    Ok(Shown { view, work, jobs })
}

/// Requests the creation of a container.
///
/// # Errors
/// Refused fields; as `control::containers::create`.
#[server(prefix = "/api/ui", endpoint = "containers/create", input = server_fn::codec::Json)]
pub async fn create(form: ContainerForm) -> Result<RequestedContainer, Failure> {
    let (control, actor) = super::caller().await?;
    let new = form
        .parse()
        .map_err(|fields| super::into_failure(model::Error::Invalid { fields }))?;
    let made = control::containers::create(&control, &actor, new)
        .await
        .map_err(super::into_failure)?;
    Ok(RequestedContainer {
        site: made.site,
        name: made.name,
        job: made.job,
    })
}

/// Updates a container that the caller read at `version`. Returns the job, if one is needed.
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
) -> Result<Option<JobId>, Failure> {
    let (control, actor) = super::caller().await?;
    let new = form
        .parse()
        .map_err(|fields| super::into_failure(model::Error::Invalid { fields }))?;
    let change = model::containers::EditContainer {
        version,
        spec: new.spec,
        restart,
    };
    control::containers::edit(&control, &actor, id, change)
        .await
        .map_err(super::into_failure)
}

/// Starts, stops or restarts a container.
///
/// # Errors
/// As `control::containers::power`.
#[server(prefix = "/api/ui", endpoint = "containers/switch", input = server_fn::codec::Json)]
pub async fn switch(id: ContainerId, power: Power) -> Result<JobId, Failure> {
    let (control, actor) = super::caller().await?;
    control::containers::power(&control, &actor, id, power)
        .await
        .map_err(super::into_failure)
}

/// Deletes a container; requires its name to be typed.
///
/// # Errors
/// As `control::containers::delete`.
#[server(prefix = "/api/ui", endpoint = "containers/delete", input = server_fn::codec::Json)]
pub async fn delete(id: ContainerId, confirm: String) -> Result<JobId, Failure> {
    let (control, actor) = super::caller().await?;
    control::containers::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_failure)
}
