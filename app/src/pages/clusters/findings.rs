//! The requirements of Holdfast and whether the cluster meets them; queries the cluster.

use model::{ClusterId, clusters::ClusterCapabilities};

use crate::{components::live_resource::live_resource_within, pages::prelude::*};

/// The card.
pub fn card(id: ClusterId) -> AnyView {
    let asked = live_resource_within(
        None,
        Signal::from(id),
        server_fns::clusters::check,
        |_| Vec::new(),
        || view! { <div class="skeleton skeleton-card"></div> }.erase(),
        content,
    );
    view! { <section class="card" aria-label="Requirements">{asked}</section> }.erase()
}

fn content(findings: LiveResource<ClusterCapabilities>) -> AnyView {
    let missing = reactive(move || {
        findings.with(|findings| {
            if findings.missing.is_empty() {
                return view! { <p class="state-line">{icon("circle-check")} "All requirements are met."</p> }.erase();
            }
            let each = findings
                .missing
                .iter()
                .map(|missing| view! { <li>{missing.to_string()}</li> }.erase())
                .collect::<Vec<_>>();
            view! {
                <div class="panel panel-warning">
                    <p class="panel-title">{icon("triangle-alert")} "Requirements not met"</p>
                    <ul class="links">{each}</ul>
                </div>
            }
            .erase()
        })
    });
    let facts = reactive(move || {
        findings.with(|findings| {
            let message = |names: Vec<String>| {
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            };
            let named = |names: Vec<model::names::StorageName>| {
                message(names.iter().map(ToString::to_string).collect())
            };
            view! {
                <dl class="facts">
                    <dt>"Bridges"</dt><dd class="mono">{message(findings.bridges.iter().map(ToString::to_string).collect())}</dd>
                    <dt>"Template storages"</dt><dd class="mono">{named(findings.template_storages())}</dd>
                    <dt>"Disk storages"</dt><dd class="mono">{named(findings.volume_storages())}</dd>
                </dl>
            }
            .erase()
        })
    });
    let age = reactive(move || findings.with(|findings| ago(findings.at)));
    view! {
        <h2 class="card-title">
            <span class="grow">"Requirements"</span>
            <button type="button" class="btn btn-small" on:click=act(move |_| findings.refresh())>{icon("rotate-cw")} "Check again"</button>
        </h2>
        <div class="stack-tight">{missing} {facts} <p class="muted">"Checked " {age}</p></div>
    }
    .erase()
}
