//! The clusters and their nodes, as last observed.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    events::{Event, Topic},
    nodes::{ClusterView, NodeRow},
};

use crate::{
    components::{
        badge::{Tone, ago, badge},
        icon::icon,
        live_resource::{LiveResource, live_resource},
        meter::{meter, percent},
        page::{PageHead, empty, list_skeleton, main_link},
    },
    pages::clusters,
    server_fns,
};

/// The page.
pub fn page() -> AnyView {
    live_resource(
        Signal::from(()),
        |()| server_fns::clusters::list(),
        |_| vec![Event::all(Topic::Nodes)],
        list_skeleton,
        content,
    )
}

fn content(clusters: LiveResource<Vec<ClusterView>>) -> AnyView {
    let ids = clusters.part(|all| all.iter().map(|cluster| cluster.id).collect::<Vec<_>>());
    let none = Memo::new(move |_| ids.with(Vec::is_empty));
    let body = reactive(move || {
        if none.get() {
            let text = "Nodes belong to Proxmox VE clusters. Add a cluster to list its nodes.";
            let add = main_link("/clusters/new", "plus", "Add cluster");
            return empty("server", "No clusters yet", text, add);
        }
        let render_row = move |id| {
            cluster(clusters.part(move |all| all.iter().find(|cluster| cluster.id == id).cloned()))
        };
        view! { <div class="stack"><For each=move || ids.get() key=|id| *id children=render_row /></div> }
            .erase()
    });
    view! {
        <PageHead title="Nodes" />
        {body}
    }
    .erase()
}

fn cluster(cluster: Memo<Option<ClusterView>>) -> AnyView {
    let name = Memo::new(move |_| {
        cluster.with(|cluster| {
            cluster
                .as_ref()
                .map(|cluster| cluster.name.clone())
                .unwrap_or_default()
        })
    });
    view! {
        <section class="card stack" aria-label=Signal::derive(move || format!("Cluster {}", name.get()))>
            {reactive(move || cluster.with(|cluster| cluster.as_ref().map(about)))}
            {nodes(cluster, name)}
        </section>
    }
    .erase()
}

/// The last observation of a cluster, its age, and why newer data is missing.
fn about(cluster: &ClusterView) -> AnyView {
    let state = clusters::state(cluster);
    let version = cluster
        .version
        .clone()
        .map(|version| format!("Proxmox VE {version}, "));
    let age = cluster.observed.map(|observed| {
        view! { <span class="muted">"Last update " {ago(observed)}</span> }.erase()
    });
    let last_error = cluster.last_error.clone().map(|last_error| {
        view! {
            <div class="panel panel-warning">
                <p class="panel-title">{icon("triangle-alert")} {last_error}</p>
                <p>"The data below is from the last update. Containers keep running."</p>
            </div>
        }
        .erase()
    });
    view! {
        <div class="stack-tight">
            <h2 class="card-title">{cluster.name.clone()} " " {state}</h2>
            <p class="muted">{version} <span class="mono">{cluster.url.clone()}</span></p>
            <p>{age}</p>
            {last_error}
        </div>
    }
    .erase()
}

/// The table of a cluster's nodes.
pub fn nodes(cluster: Memo<Option<ClusterView>>, name: Memo<String>) -> AnyView {
    let of = move |read: fn(&[NodeRow]) -> Vec<String>| {
        cluster.with(|cluster| {
            cluster
                .as_ref()
                .map(|cluster| read(&cluster.nodes))
                .unwrap_or_default()
        })
    };
    let names =
        Memo::new(move |_| of(|nodes| nodes.iter().map(|node| node.name.to_string()).collect()));
    let render_row = move |name: String| {
        node(Memo::new(move |_| {
            cluster.with(|cluster| {
                cluster
                    .as_ref()?
                    .nodes
                    .iter()
                    .find(|node| node.name.to_string() == name)
                    .cloned()
            })
        }))
    };
    let none = Memo::new(move |_| names.with(Vec::is_empty));

    reactive(move || {
        if none.get() {
            return view! { <p class="muted">"No nodes observed yet."</p> }.erase();
        }
        view! {
            <table class="list" role="table" aria-label=Signal::derive(move || format!("Nodes of {}", name.get()))>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Node"</th>
                        <th role="columnheader" scope="col">"State"</th>
                        <th role="columnheader" scope="col">"CPU"</th>
                        <th role="columnheader" scope="col">"Memory"</th>
                        <th role="columnheader" scope="col">"Disk"</th>
                        <th role="columnheader" scope="col">"Containers"</th>
                        <th role="columnheader" scope="col">"Uptime"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    <For each=move || names.get() key=Clone::clone children=render_row />
                </tbody>
            </table>
        }
        .erase()
    })
}

fn node(node: Memo<Option<NodeRow>>) -> AnyView {
    reactive(move || node.with(|node| node.as_ref().map(node_cells)))
}

fn node_cells(node: &NodeRow) -> AnyView {
    let name = node.name.to_string();
    let state = if node.online {
        badge("online", Tone::Good, "circle-check")
    } else {
        badge("offline", Tone::Danger, "circle-x")
    };
    let cpu = cpu_percent(node.cpu);
    let cpu_words = format!(
        "{cpu} % of {} {}",
        node.cores,
        if node.cores == 1 { "core" } else { "cores" }
    );
    let memory = percent(node.memory.0, node.memory_total.0);
    let disk = percent(node.disk.0, node.disk_total.0);
    view! {
        <tr role="row">
            <td role="cell" class="cell-main"><strong>{name.clone()}</strong></td>
            <td role="cell">{state}</td>
            <td role="cell" data-label="CPU">{meter(format!("CPU of {name}"), cpu, cpu_words)}</td>
            <td role="cell" data-label="Memory">
                {meter(format!("Memory of {name}"), memory, format!("{} of {}", node.memory, node.memory_total))}
            </td>
            <td role="cell" data-label="Disk">
                {meter(format!("Disk of {name}"), disk, format!("{} of {}", node.disk, node.disk_total))}
            </td>
            <td role="cell" data-label="Containers" class="num">{node.containers}</td>
            <td role="cell" data-label="Uptime" class="num">{uptime_words(node.uptime)}</td>
        </tr>
    }
    .erase()
}

/// A ratio from 0 to 1 as a percentage.
fn cpu_percent(share: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=100 before"
    )]
    let percent = (share * 100.0).round().clamp(0.0, 100.0) as u64;
    percent
}

/// An uptime in its two largest units.
fn uptime_words(seconds: u64) -> String {
    match seconds {
        0 => "not running".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::{cpu_percent, uptime_words};

    #[test]
    fn formats_percentages_and_uptimes() {
        assert_eq!(cpu_percent(0.074), 7);
        assert_eq!(cpu_percent(7.0), 100);
        assert_eq!(cpu_percent(f64::NAN), 0);
        assert_eq!(uptime_words(0), "not running");
        assert_eq!(uptime_words(3_700), "1 h 1 min");
        assert_eq!(uptime_words(90_000), "1 d 1 h");
    }
}
