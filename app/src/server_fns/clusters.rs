//! Clusters and their nodes.

use leptos::prelude::*;
use model::{
    ClusterId,
    clusters::{
        ClusterCapabilities, ClusterDetail, ClusterForm, ImportRequest, ImportResult,
        PresentedCertificate,
    },
    names::Label,
    nodes::ClusterView,
};

use super::RequestError;

/// Lists all clusters with their nodes, as last observed.
///
/// # Errors
/// As `control::clusters::list`.
#[server(prefix = "/api/ui", endpoint = "clusters/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<ClusterView>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::clusters::list(&control, &actor)
        .await
        .map_err(super::into_request_error)
}

/// Gets one cluster, with its containers that are not managed.
///
/// # Errors
/// As `control::clusters::get`.
#[server(prefix = "/api/ui", endpoint = "clusters/get", input = server_fn::codec::Json)]
pub async fn get(name: String) -> Result<ClusterDetail, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::clusters::get(&control, &actor, &name)
        .await
        .map_err(super::into_request_error)
}

/// Checks the cluster's requirements. Queries the cluster.
///
/// # Errors
/// As `control::clusters::check`.
#[server(prefix = "/api/ui", endpoint = "clusters/check", input = server_fn::codec::Json)]
pub async fn check(id: ClusterId) -> Result<ClusterCapabilities, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::clusters::check(&control, &actor, id)
        .await
        .map_err(super::into_request_error)
}

/// Fetches the certificate that a server presents, for comparison by the user.
///
/// # Errors
/// An invalid address; as `control::clusters::fetch_certificate`.
#[server(prefix = "/api/ui", endpoint = "clusters/fetch-certificate", input = server_fn::codec::Json)]
pub async fn fetch_certificate(url: String) -> Result<PresentedCertificate, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let url = url.parse().map_err(|refusal: model::Invalid| {
        super::into_request_error(model::Error::Invalid {
            fields: vec![refusal.for_field("url")],
        })
    })?;
    control::clusters::fetch_certificate(&control, &actor, url)
        .await
        .map_err(super::into_request_error)
}

/// Adds a cluster.
///
/// # Errors
/// Refused fields; as `control::clusters::create`.
#[server(prefix = "/api/ui", endpoint = "clusters/create", input = server_fn::codec::Json)]
pub async fn create(form: ClusterForm) -> Result<Label, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse(true)
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::clusters::create(&control, &actor, spec)
        .await
        .map_err(super::into_request_error)
}

/// Updates a cluster.
///
/// # Errors
/// Refused fields; as `control::clusters::update`.
#[server(prefix = "/api/ui", endpoint = "clusters/update", input = server_fn::codec::Json)]
pub async fn update(id: ClusterId, form: ClusterForm) -> Result<Label, RequestError> {
    let (control, actor) = super::authenticate().await?;
    let spec = form
        .parse(false)
        .map_err(|fields| super::into_request_error(model::Error::Invalid { fields }))?;
    control::clusters::update(&control, &actor, id, spec)
        .await
        .map_err(super::into_request_error)
}

/// Removes a cluster; requires its name to be typed.
///
/// # Errors
/// As `control::clusters::delete`.
#[server(prefix = "/api/ui", endpoint = "clusters/delete", input = server_fn::codec::Json)]
pub async fn delete(id: ClusterId, confirm: String) -> Result<(), RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::clusters::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::into_request_error)
}

/// Imports existing containers.
///
/// # Errors
/// As `control::clusters::import`.
#[server(prefix = "/api/ui", endpoint = "clusters/import", input = server_fn::codec::Json)]
pub async fn import(
    id: ClusterId,
    import: ImportRequest,
) -> Result<Vec<ImportResult>, RequestError> {
    let (control, actor) = super::authenticate().await?;
    control::clusters::import(&control, &actor, id, import)
        .await
        .map_err(super::into_request_error)
}
