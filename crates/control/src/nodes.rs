//! Clusters and their nodes, as observed.

use model::{Error, nodes::ClusterView};

use crate::{Actor, Control};

/// Every cluster with its nodes and how old that knowledge is. Asks no cluster: it tells what the
/// observer last heard.
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn clusters(control: &Control, actor: &Actor) -> Result<Vec<ClusterView>, Error> {
    actor.require_operator()?;
    let observer = control.observer();
    Ok(control
        .0
        .proxmoxes
        .all()
        .into_iter()
        .map(|(id, url)| observer.view(id, url))
        .collect())
}
