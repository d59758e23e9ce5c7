//! The hosts, containers and network of a site.

use super::{isolation::isolation, show::SitePage};
use crate::pages::{hosts::list::site_table, prelude::*};

pub fn tab(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    let network = card("Network", page.view(network));
    let isolation = isolation(page.peek(|page| page.site.id));
    view! { {hosts(page, name)} {isolation} <div class="stack stack-narrow">{page.view(facts)} {network}</div> }
        .erase()
}

fn facts(SitePage { site, .. }: &SitePage) -> AnyView {
    Facts::new()
        .mono("Domain", &site.spec.domain)
        .text("Cluster", &site.cluster_name)
        .number("Containers", site.containers)
        .mono_or("Image registries", Some(&site.spec.registries), "none")
        .text(
            "Pulled images",
            format!("{} of {}", site.images, site.spec.image_quota),
        )
        .card()
}

/// The site's network, and its free addresses.
fn network(SitePage { site, hosts, .. }: &SitePage) -> AnyView {
    let spec = &site.spec;
    let joined = hosts.iter().filter_map(|host| host.facts.as_ref());
    let dns_servers: Vec<String> = joined.map(|facts| facts.address.to_string()).collect();
    let v4 = spec.public_v4.map(|address| address.to_string());
    let v6 = spec.public_v6.map(|address| address.to_string());
    let public: Vec<String> = v4.into_iter().chain(v6).collect();
    let (dns_servers, public) = (dns_servers.join(", "), public.join(", "));
    let forwarders = Some(&spec.forwarders);
    Facts::new()
        .mono("Network", spec.network)
        .mono("Bridge", &spec.bridge)
        .mono("Gateway", spec.gateway)
        .mono("Addresses for containers", spec.range)
        .number("Free addresses", site.addresses_free)
        .mono_or("Addresses for other machines", spec.dynamic_range, "none")
        .mono_or("DNS servers", Some(dns_servers), "none")
        .mono_or("Upstream DNS servers", forwarders, "none")
        .mono("External ports", spec.ports)
        .mono_or("Public addresses", Some(public), "none")
        .list()
}

fn hosts(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    let none = page.part(|page| page.hosts.is_empty());
    let all = page.part(|page| page.hosts.clone());
    let body = reactive(move || {
        if none.get() {
            return view! { <p class="muted">"No hosts yet. Without a host, containers get no address and no name, and services are not published."</p> }.erase();
        }
        site_table(all)
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
