//! The list of clusters.

use model::nodes::ClusterView;

use super::state;
use crate::pages::prelude::*;

const HEAD: ListHead = ListHead {
    title: "Clusters",
    count: ("cluster", "clusters"),
    create: Some(("/clusters/new", "Add cluster")),
    tabs: None,
    empty: (
        "boxes",
        "No clusters yet",
        "A cluster is one or more Proxmox VE nodes that run containers. Add a cluster with the address of one node.",
    ),
};

const ROWS: Rows<ClusterView> = Rows {
    label: "Clusters",
    id: |cluster| cluster.id.0,
    link: ("Cluster", link),
    columns: &[
        badge_column("State", state),
        column("Address", "mono", |cluster| text(&cluster.url)),
        column("Version", "num", |cluster| cluster.version.clone().erase()),
        column("Nodes", "num", nodes),
        column("Last contact", "num", |cluster| {
            cluster.observed.map(ago).erase()
        }),
    ],
};

/// The page.
pub fn page() -> AnyView {
    list_page(
        HEAD,
        fetch,
        |_| vec![Event::all(Topic::Nodes)],
        |clusters| table(clusters, Vec::as_slice, &ROWS),
    )
}

async fn fetch() -> Result<Vec<ClusterView>, Failure> {
    require_administrator().await?;
    server_fns::clusters::list().await
}

fn link(cluster: &ClusterView) -> RowLink {
    let last_error = cluster
        .last_error
        .clone()
        .map(|last_error| view! { <span class="row-note">{last_error}</span> }.erase());
    let name = &cluster.name;
    RowLink::new(format!("/clusters/{name}"), text(name)).with_notes(last_error.erase())
}

fn nodes(cluster: &ClusterView) -> AnyView {
    let online = cluster.nodes.iter().filter(|node| node.online).count();
    text(match cluster.nodes.len() {
        all if all == online => all.to_string(),
        all => format!("{online} of {all} online"),
    })
}
