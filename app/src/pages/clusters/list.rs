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
    columns: &[
        link_column("Cluster", |cluster| {
            RowLink::new(format!("/clusters/{}", cluster.name), text(&cluster.name))
                .with_error(cluster.last_error.clone())
        }),
        badge_column("Status", state),
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
    list_page(HEAD, fetch, |_| vec![Event::all(Topic::Nodes)], &ROWS)
}

async fn fetch() -> Result<Vec<ClusterView>, Failure> {
    require_administrator().await?;
    server_fns::clusters::list().await
}

fn nodes(cluster: &ClusterView) -> AnyView {
    let online = cluster.nodes.iter().filter(|node| node.online).count();
    text(match cluster.nodes.len() {
        all if all == online => all.to_string(),
        all => format!("{online} of {all} online"),
    })
}
