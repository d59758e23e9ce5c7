//! The state of a cluster, its nodes and its requirements.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;

use super::{
    findings, import,
    show::{ClusterPage, href},
};
use crate::{components::live_resource::LiveResource, pages::nodes::nodes};

/// The tab.
pub fn tab(page: LiveResource<ClusterPage>, name: Memo<String>) -> AnyView {
    let id = page.peek(|page| page.cluster.view.id);
    // An unreachable cluster is not queried; the error is shown above.
    let answers = page.part(|page| page.cluster.view.last_error.is_none());
    let found = reactive(move || answers.get().then(|| findings::card(id)));
    let view = page.part(|page| Some(page.cluster.view.clone()));
    view! {
        {facts(page)}
        <section class="card stack-tight" aria-label="Nodes">
            <h2 class="card-title">"Nodes"</h2>
            {nodes(view, name)}
        </section>
        {found}
    }
    .erase()
}

fn facts(page: LiveResource<ClusterPage>) -> AnyView {
    reactive(move || {
        page.with(|shown| {
            let cluster = &shown.cluster;
            let others = cluster.fallback_urls.iter().map(ToString::to_string).collect::<Vec<_>>();
            let others = (!others.is_empty()).then(|| {
                view! { <dt>"Fallback nodes"</dt><dd class="mono">{others.join(", ")}</dd> }.erase()
            });
            let version = cluster.view.version.clone().map(|version| {
                view! { <dt>"Version"</dt><dd class="num">{format!("Proxmox VE {version}")}</dd> }.erase()
            });
            let sites = cluster
                .sites
                .iter()
                .enumerate()
                .map(|(index, name)| {
                    let separator = (index + 1 < cluster.sites.len()).then_some(",");
                    view! { <span><a class="link" href=format!("/sites/{name}")>{name.to_string()}</a>{separator}</span> }.erase()
                })
                .collect::<Vec<_>>();
            let sites = if sites.is_empty() {
                view! { <a class="link" href=import::new_site(page)>"Create a site"</a> }.erase()
            } else {
                sites.erase()
            };
            let unmanaged = format!("{}/import", href(shown));
            view! {
                <dl class="card facts">
                    <dt>"Address"</dt><dd class="mono">{cluster.view.url.clone()}</dd>
                    {others}
                    {version}
                    <dt>"Signed in as"</dt><dd class="mono">{cluster.account.to_string()}</dd>
                    <dt>"Sites"</dt><dd>{sites}</dd>
                    <dt>"Unmanaged containers"</dt><dd class="num"><a class="link" href=unmanaged>{cluster.unmanaged.len()}</a></dd>
                </dl>
            }
            .erase()
        })
    })
}
