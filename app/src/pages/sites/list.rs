//! The list of sites.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    SiteId,
    events::{Event, Topic},
    sites::SiteRow,
};

use crate::{
    components::{
        list::list_keys,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, empty, list_skeleton, main_link},
    },
    server_fns,
};

const NEW: &str = "/sites/new";

/// The page.
pub fn page() -> AnyView {
    Effect::new(|_| list_keys(Some(NEW)));
    live_resource(
        Signal::from(()),
        |()| server_fns::sites::list(),
        |_| vec![Event::all(Topic::Site), Event::all(Topic::Container)],
        list_skeleton,
        content,
    )
}

fn content(sites: LiveResource<Vec<SiteRow>>) -> AnyView {
    let none = sites.part(Vec::is_empty);
    let total = sites.part(Vec::len);
    let count = Signal::derive(move || match total.get() {
        1 => "1 site".to_owned(),
        total => format!("{total} sites"),
    });
    let body = reactive(move || {
        if none.get() {
            let text = "A site is a network on a cluster, with a domain, addresses and ports. Create a site before the first container.";
            return empty(
                "network",
                "No sites yet",
                text,
                main_link(NEW, "plus", "New site"),
            );
        }
        table(sites)
    });
    view! {
        <PageHead
            title="Sites"
            aside=move || view! { <span class="num" role="status">{count}</span> }.erase()
            actions=|| main_link(NEW, "plus", "New site")
        />
        {body}
    }
    .erase()
}

fn table(sites: LiveResource<Vec<SiteRow>>) -> AnyView {
    let ids = sites.part(|sites| sites.iter().map(|site| site.id).collect::<Vec<_>>());
    let render_row = move |id: SiteId| {
        row(sites.part(move |sites| sites.iter().find(|site| site.id == id).cloned()))
    };
    view! {
        <table class="list" role="table" aria-label="Sites">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Site"</th>
                    <th role="columnheader" scope="col">"Domain"</th>
                    <th role="columnheader" scope="col">"Cluster"</th>
                    <th role="columnheader" scope="col">"Network"</th>
                    <th role="columnheader" scope="col">"Containers"</th>
                    <th role="columnheader" scope="col">"Free addresses"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=render_row />
            </tbody>
        </table>
    }
    .erase()
}

fn row(site: Memo<Option<SiteRow>>) -> AnyView {
    reactive(move || {
        let SiteRow {
            spec,
            cluster_name,
            containers,
            addresses_free,
            ..
        } = site.get()?;
        let name = spec.name.to_string();
        Some(view! {
            <tr role="row">
                <td role="cell" class="cell-main">
                    <a class="row-link" data-row="" href=format!("/sites/{name}")>{name.clone()}</a>
                </td>
                <td role="cell" data-label="Domain" class="mono">{spec.domain.to_string()}</td>
                <td role="cell" data-label="Cluster">{cluster_name}</td>
                <td role="cell" data-label="Network" class="mono">{spec.network.to_string()}</td>
                <td role="cell" data-label="Containers" class="num">{containers}</td>
                <td role="cell" data-label="Free addresses" class="num">{addresses_free}</td>
            </tr>
        }.erase())
    })
}
