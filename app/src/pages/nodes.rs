//! The clusters and their nodes, as last observed.

use model::{
    nodes::{ClusterView, NodeRow},
    sizes::Bytes,
};

use crate::{
    components::meter::{meter, percent},
    pages::{clusters, prelude::*},
};

const ROWS: Rows<NodeRow> = Rows {
    label: "Nodes",
    id: |node| text_id(node.name.as_str()),
    columns: &[
        main_column("Node", |node| {
            view! { <strong>{node.name.to_string()}</strong> }.erase()
        }),
        badge_column("Status", |node| match node.online {
            true => badge("online", Tone::Good, "circle-check"),
            false => badge("offline", Tone::Danger, "circle-x"),
        }),
        column("CPU", "", cpu),
        column("Memory", "", |node| {
            usage_meter(node, "Memory", node.memory, node.memory_total)
        }),
        column("Disk", "", |node| {
            usage_meter(node, "Disk", node.disk, node.disk_total)
        }),
        column("Containers", "num", |node| text(node.containers)),
        column("Uptime", "num", |node| text(uptime_words(node.uptime))),
    ],
};

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
            let text = "Nodes belong to Proxmox VE clusters, which administrators add.";
            let add = Session::may::<ClusterManage>()
                .then(|| main_link("/clusters/new", "plus", "Add cluster"))
                .erase();
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
        let name = cluster.with(|cluster| cluster.as_ref().map(|cluster| cluster.name.clone()));
        name.unwrap_or_default()
    });
    view! {
        <section class="card stack" aria-label=Signal::derive(move || format!("Cluster {}", name.get()))>
            {reactive(move || cluster.with(|cluster| cluster.as_ref().map(cluster_summary)))}
            {nodes(cluster, name)}
        </section>
    }
    .erase()
}

/// The last observation of a cluster, its age, and why newer data is missing.
fn cluster_summary(cluster: &ClusterView) -> AnyView {
    let state = clusters::state(cluster);
    let version = cluster
        .version
        .clone()
        .map(|version| format!("Proxmox VE {version}, "));
    let age = cluster
        .observed
        .map(|observed| view! { <span class="muted">"Last seen " {ago(observed)}</span> }.erase());
    let last_error = cluster.last_error.clone().map(|last_error| {
        view! {
            <div class="panel panel-warning">
                <p class="panel-title">{icon("triangle-alert")} {last_error}</p>
                <p>"The data below is from that time. Containers keep running."</p>
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
    let nodes = Memo::new(move |_| {
        let nodes = cluster.with(|cluster| cluster.as_ref().map(|cluster| cluster.nodes.clone()));
        nodes.unwrap_or_default()
    });
    let none = Memo::new(move |_| nodes.with(Vec::is_empty));
    let label = Signal::derive(move || format!("Nodes of {}", name.get()));
    reactive(move || match none.get() {
        true => view! { <p class="muted">"No nodes observed yet."</p> }.erase(),
        false => table_with(nodes, &ROWS, Some(label), None),
    })
}

/// The CPU usage of a node.
fn cpu(node: &NodeRow) -> AnyView {
    let (cpu, cores) = (cpu_percent(node.cpu), u64::from(node.cores));
    let usage = format!("{cpu}% of {}", format_count(cores, ("core", "cores")));
    meter(format!("CPU of {}", node.name), cpu, &usage)
}

/// The usage of memory or disk space of a node.
fn usage_meter(node: &NodeRow, resource: &str, used: Bytes, total: Bytes) -> AnyView {
    let usage = format!("{used} of {total}");
    meter(
        format!("{resource} of {}", node.name),
        percent(used.0, total.0),
        &usage,
    )
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
