//! The requirements of Holdfast and whether the cluster meets them; queries the cluster.

use model::{ClusterId, clusters::ClusterCapabilities};

use crate::pages::prelude::*;

/// The card.
pub fn requirements(id: ClusterId) -> AnyView {
    let capabilities = live_resource_within(
        None,
        Signal::from(id),
        server_fns::clusters::check,
        |_| Vec::new(),
        || view! { <div class="skeleton skeleton-card"></div> }.erase(),
        content,
    );
    view! { <section class="card" aria-label="Requirements">{capabilities}</section> }.erase()
}

fn content(capabilities: LiveResource<ClusterCapabilities>) -> AnyView {
    let age = capabilities.view(|cluster| ago(cluster.at));
    view! {
        <h2 class="card-title">
            <span class="grow">"Requirements"</span>
            <button type="button" class="btn btn-small" on:click=act(move |_| capabilities.refresh())>{icon("rotate-cw")} "Check again"</button>
        </h2>
        <div class="stack-tight">
            {capabilities.view(missing)}
            {capabilities.view(facts)}
            <p class="muted">"Checked " {age}</p>
        </div>
    }
    .erase()
}

fn missing(cluster: &ClusterCapabilities) -> AnyView {
    if cluster.missing.is_empty() {
        return view! { <p class="state-line">{icon("circle-check")} "All requirements are met."</p> }.erase();
    }
    let items = cluster.missing.iter();
    let items = items.map(|missing| view! { <li>{missing.to_string()}</li> }.erase());
    view! {
        <div class="panel panel-warning">
            <p class="panel-title">{icon("triangle-alert")} "Requirements not met"</p>
            <ul class="links">{items.collect::<Vec<_>>()}</ul>
        </div>
    }
    .erase()
}

fn facts(cluster: &ClusterCapabilities) -> AnyView {
    Facts::new()
        .mono("Bridges", names(&cluster.bridges))
        .mono("Template storages", names(&cluster.template_storages()))
        .mono("Disk storages", names(&cluster.volume_storages()))
        .list()
}

fn names<T: ToString>(names: &[T]) -> String {
    match names.is_empty() {
        true => "none".to_owned(),
        false => names
            .iter()
            .map(T::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
