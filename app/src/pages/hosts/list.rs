//! The list of hosts.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    HostId,
    events::{Event, Topic},
    hosts::HostRow,
};

use super::badges::{configuration_badge, contact_badge, role_badges};
use crate::{
    components::{
        badge::ago,
        list::list_keys,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, empty, list_skeleton, main_link},
    },
    server_fns,
};

const NEW: &str = "/hosts/new";

/// The events after which a list of hosts is outdated.
pub fn interests() -> Vec<Event> {
    [
        Topic::Host,
        Topic::Contact,
        Topic::Container,
        Topic::Domain,
        Topic::Site,
    ]
    .map(Event::all)
    .to_vec()
}

/// The page.
pub fn page() -> AnyView {
    Effect::new(|_| list_keys(Some(NEW)));
    live_resource(
        Signal::from(()),
        |()| server_fns::hosts::list(),
        |_| interests(),
        list_skeleton,
        content,
    )
}

fn content(hosts: LiveResource<Vec<HostRow>>) -> AnyView {
    let none = hosts.part(Vec::is_empty);
    let total = hosts.part(Vec::len);
    let count = Signal::derive(move || match total.get() {
        1 => "1 host".to_owned(),
        total => format!("{total} hosts"),
    });
    let body = reactive(move || {
        if none.get() {
            let text = "An edge host serves DHCP, DNS and published services of a site. Add a host, then install the agent on the host.";
            return empty(
                "radio-tower",
                "No hosts yet",
                text,
                main_link(NEW, "plus", "Add host"),
            );
        }
        table(hosts.part(Clone::clone).into(), true)
    });
    view! {
        <PageHead
            title="Hosts"
            aside=move || view! { <span class="num" role="status">{count}</span> }.erase()
            actions=|| main_link(NEW, "plus", "Add host")
        />
        {body}
    }
    .erase()
}

/// The table, with or without the site column.
pub fn table(hosts: Signal<Vec<HostRow>>, sites: bool) -> AnyView {
    let ids =
        Memo::new(move |_| hosts.with(|all| all.iter().map(|host| host.id).collect::<Vec<_>>()));
    let render_row = move |id: HostId| {
        let host =
            Memo::new(move |_| hosts.with(|all| all.iter().find(|host| host.id == id).cloned()));
        row(host, sites)
    };
    let site = sites.then(|| view! { <th role="columnheader" scope="col">"Site"</th> }.erase());
    view! {
        <table class="list" role="table" aria-label="Hosts">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Host"</th>
                    <th role="columnheader" scope="col">"Status"</th>
                    <th role="columnheader" scope="col">"Roles"</th>
                    {site}
                    <th role="columnheader" scope="col">"Configuration"</th>
                    <th role="columnheader" scope="col">"Address"</th>
                    <th role="columnheader" scope="col">"Agent"</th>
                    <th role="columnheader" scope="col">"Last seen"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=render_row />
            </tbody>
        </table>
    }
    .erase()
}

fn row(host: Memo<Option<HostRow>>, sites: bool) -> AnyView {
    let contact = contact_badge(host);
    let roles = reactive(move || host.with(|host| host.as_ref().map(role_badges)));
    let last_seen = reactive(move || {
        host.with(|host| host.as_ref().and_then(|row| row.last_seen))
            .map_or_else(nothing, ago)
    });
    let address = reactive(move || {
        let host = host.get()?;
        let Some(facts) = host.facts else {
            return Some(nothing());
        };
        let dhcp = host
            .dhcp
            .is_serving()
            .then(|| view! { <span class="muted">", DHCP server"</span> }.erase());
        Some(view! { <span class="mono">{facts.address.to_string()}</span> {dhcp} }.erase())
    });
    let link = reactive(move || {
        let host = host.get()?;
        Some(
            view! { <a class="row-link" data-row="" href=host.path()>{host.name.to_string()}</a> }
                .erase(),
        )
    });
    let site = sites.then(|| {
        let site = move || host.with(|host| host.as_ref().map(|row| row.site_name.to_string()));
        view! { <td role="cell" data-label="Site">{reactive(site)}</td> }.erase()
    });
    let version = reactive(move || {
        let facts = host.with(|host| host.as_ref()?.facts.clone());
        facts.map_or_else(nothing, |facts| facts.version.erase())
    });
    let configuration_badge =
        reactive(move || host.with(|host| host.as_ref().map(configuration_badge)));
    view! {
        <tr role="row">
            <td role="cell" class="cell-main">{link}</td>
            <td role="cell">{contact}</td>
            <td role="cell">{roles}</td>
            {site}
            <td role="cell">{configuration_badge}</td>
            <td role="cell" data-label="Address">{address}</td>
            <td role="cell" data-label="Agent" class="num">{version}</td>
            <td role="cell" data-label="Last seen" class="num">{last_seen}</td>
        </tr>
    }
    .erase()
}

/// A placeholder for values that are unknown until the host has joined.
fn nothing() -> AnyView {
    view! { <span class="muted">"–"</span> }.erase()
}
