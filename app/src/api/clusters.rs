//! Clusters and their nodes.

use leptos::prelude::*;
use model::{
    ClusterId,
    clusters::{Certificate, ClusterDetail, ClusterForm, Findings, Import, Imported},
    names::Label,
    nodes::ClusterView,
};

use super::Failure;

/// Every cluster with its nodes, as last observed.
///
/// # Errors
/// As `control::clusters::list`.
#[server(prefix = "/api/ui", endpoint = "clusters/list", input = server_fn::codec::Json)]
pub async fn list() -> Result<Vec<ClusterView>, Failure> {
    let (control, actor) = super::caller().await?;
    control::clusters::list(&control, &actor)
        .await
        .map_err(super::told)
}

/// One cluster, with what is on it and is not ours.
///
/// # Errors
/// As `control::clusters::get`.
#[server(prefix = "/api/ui", endpoint = "clusters/get", input = server_fn::codec::Json)]
pub async fn get(name: String) -> Result<ClusterDetail, Failure> {
    let (control, actor) = super::caller().await?;
    control::clusters::get(&control, &actor, &name)
        .await
        .map_err(super::told)
}

/// What a cluster has of what Holdfast needs; asks the cluster.
///
/// # Errors
/// As `control::clusters::findings`.
#[server(prefix = "/api/ui", endpoint = "clusters/check", input = server_fn::codec::Json)]
pub async fn check(id: ClusterId) -> Result<Findings, Failure> {
    let (control, actor) = super::caller().await?;
    control::clusters::findings(&control, &actor, id)
        .await
        .map_err(super::told)
}

/// The certificate that a server shows, for a person to compare.
///
/// # Errors
/// A refused address; as `control::clusters::certificate`.
#[server(prefix = "/api/ui", endpoint = "clusters/look", input = server_fn::codec::Json)]
pub async fn look(url: String) -> Result<Certificate, Failure> {
    let (control, actor) = super::caller().await?;
    let url = url.parse().map_err(|refusal: model::Invalid| {
        super::told(model::Error::Invalid {
            fields: vec![refusal.at("url")],
        })
    })?;
    control::clusters::certificate(&control, &actor, url)
        .await
        .map_err(super::told)
}

/// Adds a cluster.
///
/// # Errors
/// Refused fields; as `control::clusters::create`.
#[server(prefix = "/api/ui", endpoint = "clusters/create", input = server_fn::codec::Json)]
pub async fn create(form: ClusterForm) -> Result<Label, Failure> {
    let (control, actor) = super::caller().await?;
    let spec = form
        .parse(true)
        .map_err(|fields| super::told(model::Error::Invalid { fields }))?;
    control::clusters::create(&control, &actor, spec)
        .await
        .map_err(super::told)
}

/// Changes a cluster.
///
/// # Errors
/// Refused fields; as `control::clusters::update`.
#[server(prefix = "/api/ui", endpoint = "clusters/update", input = server_fn::codec::Json)]
pub async fn update(id: ClusterId, form: ClusterForm) -> Result<Label, Failure> {
    let (control, actor) = super::caller().await?;
    let spec = form
        .parse(false)
        .map_err(|fields| super::told(model::Error::Invalid { fields }))?;
    control::clusters::update(&control, &actor, id, spec)
        .await
        .map_err(super::told)
}

/// Forgets a cluster, once its name was typed.
///
/// # Errors
/// As `control::clusters::delete`.
#[server(prefix = "/api/ui", endpoint = "clusters/delete", input = server_fn::codec::Json)]
pub async fn delete(id: ClusterId, confirm: String) -> Result<(), Failure> {
    let (control, actor) = super::caller().await?;
    control::clusters::delete(&control, &actor, id, &confirm)
        .await
        .map_err(super::told)
}

/// Takes containers over that were there before.
///
/// # Errors
/// As `control::clusters::import`.
#[server(prefix = "/api/ui", endpoint = "clusters/take-over", input = server_fn::codec::Json)]
pub async fn take_over(id: ClusterId, import: Import) -> Result<Vec<Imported>, Failure> {
    let (control, actor) = super::caller().await?;
    control::clusters::import(&control, &actor, id, import)
        .await
        .map_err(super::told)
}
