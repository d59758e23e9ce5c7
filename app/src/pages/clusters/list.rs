//! The list of clusters.

use model::nodes::ClusterView;

use super::state;
use crate::pages::prelude::*;

const LIST: ListPage = ListPage {
    title: "Clusters",
    count: ("cluster", "clusters"),
    create: || Some(("/clusters/new", "Add cluster")),
    empty: (
        "boxes",
        "No clusters yet",
        "A cluster is one or more Proxmox VE nodes that run containers. Add a cluster with the address of one node.",
    ),
    ..ListPage::DEFAULT
};

const ROWS: Rows<ClusterView> = Rows {
    label: "Clusters",
    id: |cluster| cluster.id.0,
    columns: &[
        main_column("Cluster", |cluster| {
            let link = row_link(format!("/clusters/{}", cluster.name), text(&cluster.name));
            view! { {link} {error_note(cluster.last_error.as_ref())} }.erase()
        }),
        badge_column("Status", state),
        column("Address", "mono", |cluster| host(&cluster.url)),
        column("Version", "num", |cluster| cluster.version.clone().erase()),
        column("Nodes", "num", nodes),
        column("Last seen", "num", |cluster| {
            cluster.observed.map(ago).erase()
        }),
    ],
};

pub fn page() -> AnyView {
    list_page(
        &LIST,
        Signal::from(()),
        |()| fetch(),
        |_| vec![Event::all(Topic::Nodes)],
        |all| unpaged(all),
        &ROWS,
    )
}

async fn fetch() -> Result<Vec<ClusterView>, RequestError> {
    require_role::<ClusterManage>().await?;
    server_fns::clusters::list().await
}

fn nodes(cluster: &ClusterView) -> AnyView {
    let online = cluster.nodes.iter().filter(|node| node.online).count();
    text(match cluster.nodes.len() {
        all if all == online => all.to_string(),
        all => format!("{online} of {all} online"),
    })
}
