//! The list of clusters.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    ClusterId,
    events::{Event, Topic},
    nodes::ClusterView,
};

use super::state;
use crate::{
    components::{
        badge::ago,
        list::list_keys,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, empty, list_skeleton, main_link},
    },
    pages::rights::administrator,
    server_fns::{self, Failure},
};

const NEW: &str = "/clusters/new";

/// The page.
pub fn page() -> AnyView {
    Effect::new(|_| list_keys(Some(NEW)));
    live_resource(
        Signal::from(()),
        |()| fetch(),
        |_| vec![Event::all(Topic::Nodes)],
        list_skeleton,
        content,
    )
}

async fn fetch() -> Result<Vec<ClusterView>, Failure> {
    administrator().await?;
    server_fns::clusters::list().await
}

fn content(clusters: LiveResource<Vec<ClusterView>>) -> AnyView {
    let none = clusters.part(Vec::is_empty);
    let total = clusters.part(Vec::len);
    let count = Signal::derive(move || match total.get() {
        1 => "1 cluster".to_owned(),
        total => format!("{total} clusters"),
    });
    let body = reactive(move || {
        if none.get() {
            let text = "A cluster is one or more Proxmox VE nodes that run containers. Add a cluster with the address of one node.";
            return empty(
                "boxes",
                "No clusters yet",
                text,
                main_link(NEW, "plus", "Add cluster"),
            );
        }
        table(clusters)
    });
    view! {
        <PageHead
            title="Clusters"
            aside=move || view! { <span class="num" role="status">{count}</span> }.erase()
            actions=|| main_link(NEW, "plus", "Add cluster")
        />
        {body}
    }
    .erase()
}

fn table(clusters: LiveResource<Vec<ClusterView>>) -> AnyView {
    let ids = clusters.part(|all| all.iter().map(|cluster| cluster.id).collect::<Vec<_>>());
    let render_row = move |id: ClusterId| {
        row(clusters.part(move |all| all.iter().find(|cluster| cluster.id == id).cloned()))
    };
    view! {
        <table class="list" role="table" aria-label="Clusters">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Cluster"</th>
                    <th role="columnheader" scope="col">"State"</th>
                    <th role="columnheader" scope="col">"Address"</th>
                    <th role="columnheader" scope="col">"Version"</th>
                    <th role="columnheader" scope="col">"Nodes"</th>
                    <th role="columnheader" scope="col">"Last contact"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=render_row />
            </tbody>
        </table>
    }
    .erase()
}

fn row(cluster: Memo<Option<ClusterView>>) -> AnyView {
    reactive(move || {
        let cluster = cluster.get()?;
        let name = cluster.name.clone();
        let state = state(&cluster);
        let online = cluster.nodes.iter().filter(|node| node.online).count();
        let nodes = match cluster.nodes.len() {
            all if all == online => all.to_string(),
            all => format!("{online} of {all} online"),
        };
        let trouble = cluster
            .trouble
            .map(|trouble| view! { <span class="row-note">{trouble}</span> }.erase());
        Some(view! {
            <tr role="row">
                <td role="cell" class="cell-main">
                    <a class="row-link" data-row="" href=format!("/clusters/{name}")>{name.clone()}</a>
                    {trouble}
                </td>
                <td role="cell">{state}</td>
                <td role="cell" data-label="Address" class="mono">{cluster.url}</td>
                <td role="cell" data-label="Version" class="num">{cluster.version}</td>
                <td role="cell" data-label="Nodes" class="num">{nodes}</td>
                <td role="cell" data-label="Last contact" class="num">{cluster.observed.map(ago)}</td>
            </tr>
        }.erase())
    })
}
