//! Clusters and their nodes.

use leptos::prelude::*;
use model::nodes::ClusterView;

use super::Failure;

/// Every cluster with its nodes, as last observed.
///
/// # Errors
/// As `control::nodes::clusters`.
#[server(prefix = "/api/ui", endpoint = "nodes/clusters", input = server_fn::codec::Json)]
pub async fn clusters() -> Result<Vec<ClusterView>, Failure> {
    let (control, actor) = super::caller().await?;
    control::nodes::clusters(&control, &actor)
        .await
        .map_err(super::told)
}
