//! The list of domains.

use crate::erase::Erase as _;
use leptos::prelude::*;
use model::{
    domains::DomainRow,
    events::{Event, Topic},
};

use super::{
    certificates::in_row,
    fields::{hsts, publishers},
};
use crate::{
    components::{
        host::host,
        table::{Column, ListHead, Row, Rows, column, list_page, muted, text},
    },
    server_fns,
};

const HEAD: ListHead = ListHead {
    title: "Domains",
    count: ("domain", "domains"),
    create: Some(("/domains/new", "New domain")),
    tabs: None,
    empty: (
        "globe",
        "No domains yet",
        "HTTP services are published under a domain, such as web-1.example.org. Create a domain to publish the first service.",
    ),
};

const COLUMNS: [Column; 7] = [
    column("Domain", ""),
    column("Site", ""),
    column("HTTP services", "num"),
    column("Certificates", ""),
    column("Who can publish", "cell-long"),
    column("Sign-in", "cell-long"),
    column("HSTS", ""),
];

/// The topics of the events after which the list is outdated.
const TOPICS: [Topic; 4] = [
    Topic::Domain,
    Topic::Site,
    Topic::Container,
    Topic::Certificate,
];

/// The page.
pub fn page() -> AnyView {
    list_page(
        HEAD,
        server_fns::domains::list,
        |_| TOPICS.map(Event::all).to_vec(),
        Rows {
            label: "Domains",
            columns: &COLUMNS,
            id: |domain| domain.id.0,
            row,
        },
    )
}

fn row(domain: &DomainRow) -> Row {
    let spec = &domain.spec;
    let sign_in = spec
        .sign_in
        .as_ref()
        .map(|origin| view! { <span class="mono">{origin.to_string()}</span> }.erase());
    let cells = [
        text(&domain.site_name),
        text(domain.services),
        in_row(spec.issuance, domain.certificates, domain.alarms),
        text(publishers(&spec.publishers)),
        sign_in.unwrap_or_else(|| muted("none")),
        text(hsts(spec.hsts)),
    ];
    Row::new(
        format!("/domains/{}", domain.id),
        host(spec.name.as_str()),
        cells,
    )
}
