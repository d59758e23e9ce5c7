//! The list of clusters.

use crate::erase::Erase as _;
use leptos::prelude::*;
use model::{
    events::{Event, Topic},
    nodes::ClusterView,
};

use super::state;
use crate::{
    components::{
        badge::ago,
        table::{Column, ListHead, Row, Rows, badge_column, column, list_page, text},
    },
    pages::rights::administrator,
    server_fns::{self, Failure},
};

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

const COLUMNS: [Column; 6] = [
    column("Cluster", ""),
    badge_column("State"),
    column("Address", "mono"),
    column("Version", "num"),
    column("Nodes", "num"),
    column("Last contact", "num"),
];

/// The page.
pub fn page() -> AnyView {
    list_page(
        HEAD,
        fetch,
        |_| vec![Event::all(Topic::Nodes)],
        Rows {
            label: "Clusters",
            columns: &COLUMNS,
            id: |cluster| cluster.id.0,
            row,
        },
    )
}

async fn fetch() -> Result<Vec<ClusterView>, Failure> {
    administrator().await?;
    server_fns::clusters::list().await
}

fn row(cluster: &ClusterView) -> Row {
    let name = &cluster.name;
    let online = cluster.nodes.iter().filter(|node| node.online).count();
    let nodes = match cluster.nodes.len() {
        all if all == online => all.to_string(),
        all => format!("{online} of {all} online"),
    };
    let trouble = cluster
        .trouble
        .clone()
        .map(|trouble| view! { <span class="row-note">{trouble}</span> }.erase());
    let cells = [
        state(cluster),
        text(&cluster.url),
        cluster.version.clone().erase(),
        text(nodes),
        cluster.observed.map(ago).erase(),
    ];
    Row::new(format!("/clusters/{name}"), text(name), cells).with_notes(trouble.erase())
}
