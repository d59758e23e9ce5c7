//! The list of sites.

use leptos::prelude::*;
use model::{
    events::{Event, Topic},
    sites::SiteRow,
};

use crate::{
    components::table::{Column, ListHead, Row, Rows, column, list_page, text},
    server_fns,
};

const HEAD: ListHead = ListHead {
    title: "Sites",
    count: ("site", "sites"),
    create: Some(("/sites/new", "New site")),
    tabs: None,
    empty: (
        "network",
        "No sites yet",
        "A site is a network on a cluster, with a domain, addresses and ports. Create a site before the first container.",
    ),
};

const COLUMNS: [Column; 6] = [
    column("Site", ""),
    column("Domain", "mono"),
    column("Cluster", ""),
    column("Network", "mono"),
    column("Containers", "num"),
    column("Free addresses", "num"),
];

/// The page.
pub fn page() -> AnyView {
    list_page(
        HEAD,
        server_fns::sites::list,
        |_| [Topic::Site, Topic::Container].map(Event::all).to_vec(),
        Rows {
            label: "Sites",
            columns: &COLUMNS,
            id: |site| site.id.0,
            row,
        },
    )
}

fn row(site: &SiteRow) -> Row {
    let spec = &site.spec;
    let cells = [
        text(&spec.domain),
        text(&site.cluster_name),
        text(spec.network),
        text(site.containers),
        text(site.addresses_free),
    ];
    Row::new(format!("/sites/{}", spec.name), text(&spec.name), cells)
}
