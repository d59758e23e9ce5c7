//! The state of a cluster, its nodes and its requirements.

use super::{
    findings, import,
    show::{ClusterPage, href},
};
use crate::pages::{nodes::nodes, prelude::*};

pub fn tab(page: LiveResource<ClusterPage>, name: Memo<String>) -> AnyView {
    let id = page.peek(|page| page.cluster.view.id);
    // An unreachable cluster is not queried; the error is shown above.
    let is_online = page.part(|page| page.cluster.view.last_error.is_none());
    let requirements = reactive(move || is_online.get().then(|| findings::requirements(id)));
    let view = page.part(|page| Some(page.cluster.view.clone()));
    let facts = reactive(move || page.with(|shown| facts(shown, import::new_site(page))));
    view! {
        {facts}
        <section class="card stack-tight" aria-label="Nodes">
            <h2 class="card-title">"Nodes"</h2>
            {nodes(view, name)}
        </section>
        {requirements}
    }
    .erase()
}

/// The details of the cluster; `new_site` is the path of the form of its first site.
fn facts(page: &ClusterPage, new_site: String) -> AnyView {
    let cluster = &page.cluster;
    let fallback = cluster.fallback_urls.iter().map(ToString::to_string);
    let fallback = fallback.collect::<Vec<_>>().join(", ");
    let fallback = Some(fallback).filter(|nodes| !nodes.is_empty());
    let version = cluster.view.version.as_ref();
    let unmanaged = format!("{}/import", href(page));
    let unmanaged = view! { <a class="link num" href=unmanaged>{cluster.unmanaged.len()}</a> };
    Facts::new()
        .mono("Address", &cluster.view.url)
        .with(fallback, |facts, nodes| facts.mono("Fallback nodes", nodes))
        .with(version, |facts, version| {
            facts.number("Version", format!("Proxmox VE {version}"))
        })
        .mono("Signed in as", &cluster.account)
        .view("Sites", sites(page, new_site))
        .view("Unmanaged containers", unmanaged.erase())
        .card()
}

/// The sites on the cluster, or a link to create the first.
fn sites(page: &ClusterPage, new_site: String) -> AnyView {
    let sites = &page.cluster.sites;
    if sites.is_empty() {
        return view! { <a class="link" href=new_site>"Create a site"</a> }.erase();
    }
    let link = |(index, name)| {
        let separator = (index + 1 < sites.len()).then_some(",");
        view! { <span><a class="link" href=format!("/sites/{name}")>{format!("{name}")}</a>{separator}</span> }.erase()
    };
    sites
        .iter()
        .enumerate()
        .map(link)
        .collect::<Vec<_>>()
        .erase()
}
