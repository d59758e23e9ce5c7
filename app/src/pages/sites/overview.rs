//! What is on a site, and its network.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;

use super::show::SitePage;
use crate::{
    components::{icon::icon, live_resource::LiveResource},
    pages::hosts::list::table,
};

/// The tab.
pub fn tab(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    view! {
        {hosts(page, name)}
        <div class="stack stack-narrow">
            {facts(page)}
            {network(page)}
        </div>
    }
    .erase()
}

fn facts(page: LiveResource<SitePage>) -> AnyView {
    reactive(move || {
        page.with(|SitePage { site, .. }| {
            view! {
                <dl class="card facts">
                    <dt>"Domain"</dt><dd class="mono">{site.spec.domain.to_string()}</dd>
                    <dt>"Cluster"</dt><dd>{site.cluster_name.clone()}</dd>
                    <dt>"Containers"</dt><dd class="num">{site.containers}</dd>
                </dl>
            }
            .erase()
        })
    })
}

/// The site's network, and its free addresses.
fn network(page: LiveResource<SitePage>) -> AnyView {
    let list = reactive(move || {
        page.with(|SitePage { site, hosts, .. }| {
            let spec = &site.spec;
            let answering = hosts.iter().filter_map(|host| host.facts.as_ref());
            let answering: Vec<String> = answering.map(|facts| facts.address.to_string()).collect();
            let forwarders = spec.forwarders.to_string();
            let others = spec.dynamic_range.map(|others| others.to_string());
            let v4 = spec.public_v4.map(|address| address.to_string());
            let v6 = spec.public_v6.map(|address| address.to_string());
            let public: Vec<String> = v4.into_iter().chain(v6).collect();
            view! {
                <dl class="facts">
                    <dt>"Network"</dt><dd class="mono">{spec.network.to_string()}</dd>
                    <dt>"Bridge"</dt><dd class="mono">{spec.bridge.to_string()}</dd>
                    <dt>"Gateway"</dt><dd class="mono">{spec.gateway.to_string()}</dd>
                    <dt>"Container addresses"</dt><dd class="mono">{spec.range.to_string()}</dd>
                    <dt>"Free addresses"</dt><dd class="num">{site.addresses_free}</dd>
                    <dt>"Other addresses"</dt>{or(others, "none")}
                    <dt>"DNS servers"</dt>{or(Some(answering.join(", ")), "none: no host has joined")}
                    <dt>"Upstream DNS servers"</dt>{or(Some(forwarders), "none: only names of the site resolve")}
                    <dt>"External ports"</dt><dd class="mono">{spec.ports.to_string()}</dd>
                    <dt>"Public addresses"</dt>{or(Some(public.join(", ")), "no public address")}
                </dl>
            }
            .erase()
        })
    });
    view! { <section class="card"><h2 class="card-title">"Network"</h2>{list}</section> }.erase()
}

/// A value, or a text if it is absent.
fn or(text: Option<String>, none: &'static str) -> AnyView {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => view! { <dd class="mono">{text}</dd> }.erase(),
        None => view! { <dd class="muted">{none}</dd> }.erase(),
    }
}

fn hosts(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    let none = page.part(|page| page.hosts.is_empty());
    let all = page.part(|page| page.hosts.clone());
    let body = reactive(move || {
        if none.get() {
            return view! { <p class="muted">"No hosts yet. Without a host, containers get no address and no name, and services are not published."</p> }.erase();
        }
        table(all.into(), false)
    });
    let add = reactive(move || {
        let href = format!("/hosts/new?site={}", name.get());
        view! { <a class="btn btn-small" href=href>{icon("plus")} "Add host"</a> }.erase()
    });
    view! {
        <section class="card stack-tight section">
            <h2 class="card-title"><span class="grow">"Hosts"</span> {add}</h2>
            {body}
        </section>
    }
    .erase()
}
