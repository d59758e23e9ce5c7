//! The list of hosts.

use std::sync::Arc;

use model::hosts::HostRow;

use super::badges::{configuration_badge, contact_badge, role_badges};
use crate::{components::table::table_view, pages::prelude::*};

const HEAD: ListHead = ListHead {
    title: "Hosts",
    count: ("host", "hosts"),
    create: Some(("/hosts/new", "Add host")),
    tabs: None,
    empty: (
        "radio-tower",
        "No hosts yet",
        "An edge host serves DHCP, DNS and published services of a site. Add a host, then install the agent on the host.",
    ),
};

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
    list_page(
        HEAD,
        server_fns::hosts::list,
        |_| interests(),
        |hosts| table(hosts.part(Clone::clone).into(), true),
    )
}

/// The table, with or without the site column.
pub fn table(hosts: Signal<Vec<HostRow>>, sites: bool) -> AnyView {
    let ids = Memo::new(move |_| hosts.with(|all| all.iter().map(|host| host.id.0).collect()));
    let show = move |id: i64| {
        let host =
            Memo::new(move |_| hosts.with(|all| all.iter().find(|host| host.id.0 == id).cloned()));
        row(host, sites)
    };
    let mut heads = vec!["Host", "Status", "Roles"];
    heads.extend(sites.then_some("Site"));
    heads.extend(["Configuration", "Address", "Agent", "Last seen"]);
    table_view("Hosts", heads, ids, Arc::new(show))
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
    muted("–")
}
