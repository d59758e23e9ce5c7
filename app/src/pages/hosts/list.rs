//! The list of hosts.

use model::hosts::HostRow;

use super::badges::{configuration_badge, contact_badge, role_badges};
use crate::pages::prelude::*;

const LIST: ListPage = ListPage {
    title: "Hosts",
    count: ("host", "hosts"),
    create: || Some(("/hosts/new", "Add host")),
    empty: (
        "radio-tower",
        "No hosts yet",
        "An edge host serves DHCP, DNS and published services of a site. Add a host, then install the agent on the host.",
    ),
    ..ListPage::DEFAULT
};

const ROWS: Rows<HostRow> = Rows {
    label: "Hosts",
    id: |host| host.id.0,
    columns: &[
        HOST,
        STATUS,
        ROLES,
        column("Site", "", |host| text(&host.site_name)),
        CONFIGURATION,
        ADDRESS,
        AGENT,
        LAST_SEEN,
    ],
};

/// The table of a site's hosts.
const SITE_ROWS: Rows<HostRow> = Rows {
    columns: &[
        HOST,
        STATUS,
        ROLES,
        CONFIGURATION,
        ADDRESS,
        AGENT,
        LAST_SEEN,
    ],
    ..ROWS
};

const HOST: Column<HostRow> = main_column("Host", |host| row_link(host.path(), text(&host.name)));
const STATUS: Column<HostRow> = live_column("Status", "", contact_badge);
const ROLES: Column<HostRow> = badge_column("Roles", role_badges);
const CONFIGURATION: Column<HostRow> = badge_column("Configuration", configuration_badge);
const ADDRESS: Column<HostRow> = column("Address", "", |host| {
    known(host.facts.as_ref(), |facts| {
        let dhcp = host.dhcp.is_serving().then(|| muted(", DHCP server"));
        view! { <span class="mono">{facts.address.to_string()}</span> {dhcp} }.erase()
    })
});
const AGENT: Column<HostRow> = column("Agent", "num", |host| {
    known(host.facts.as_ref(), |facts| text(&facts.version))
});
const LAST_SEEN: Column<HostRow> = column("Last seen", "num", |host| known(host.last_seen, ago));

/// A value that is unknown until the host has joined.
fn known<T>(value: Option<T>, view: impl FnOnce(T) -> AnyView) -> AnyView {
    value.map_or_else(|| muted("–"), view)
}

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

pub fn page() -> AnyView {
    list_page(
        &LIST,
        Signal::from(()),
        |()| server_fns::hosts::list(),
        |_| interests(),
        |all| unpaged(all),
        &ROWS,
    )
}

/// The table of a site's hosts.
pub fn site_table(hosts: Memo<Vec<HostRow>>) -> AnyView {
    table(hosts, &SITE_ROWS)
}
