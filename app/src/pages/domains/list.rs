//! The list of domains.

use model::domains::DomainRow;

use super::{
    certificates::certificate_counts,
    fields::{hsts, publishers},
};
use crate::pages::prelude::*;

const LIST: ListPage = ListPage {
    title: "Domains",
    count: ("domain", "domains"),
    create: || Some(("/domains/new", "New domain")),
    empty: (
        "globe",
        "No domains yet",
        "HTTP services are published under a domain, such as web-1.example.org. Create a domain to publish the first service.",
    ),
    ..ListPage::DEFAULT
};

const ROWS: Rows<DomainRow> = Rows {
    label: "Domains",
    id: |domain| domain.id.0,
    columns: &[
        main_column("Domain", |domain| {
            let name = host(domain.spec.name.as_str());
            row_link(format!("/domains/{}", domain.id), name)
        }),
        column("Site", "", |domain| text(&domain.site_name)),
        column("HTTP services", "num", |domain| text(domain.services)),
        column("Certificates", "", |domain| {
            certificate_counts(
                domain.spec.certificate_source,
                domain.certificates,
                domain.attention_count,
            )
        }),
        column("Who can publish", "", |domain| {
            text(publishers(&domain.spec.publishers))
        }),
        wide_column("Sign-in", |domain| match &domain.spec.sign_in {
            Some(origin) => view! { <span class="mono">{origin.to_string()}</span> }.erase(),
            None => muted("none"),
        }),
        column("HSTS", "", |domain| text(hsts(domain.spec.hsts))),
    ],
};

/// The topics of the events after which the list is outdated.
const TOPICS: [Topic; 4] = [
    Topic::Domain,
    Topic::Site,
    Topic::Container,
    Topic::Certificate,
];

pub fn page() -> AnyView {
    list_page(
        &LIST,
        Signal::from(()),
        |()| server_fns::domains::list(),
        |_| TOPICS.map(Event::all).to_vec(),
        |all| unpaged(all),
        &ROWS,
    )
}
