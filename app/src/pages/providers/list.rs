//! The list of DNS providers.

use model::providers::{ProviderRow, ProviderSettings};

use super::kind_label;
use crate::pages::{authorities::domain_names, certificates::tabs, prelude::*};

const LIST: ListPage = ListPage {
    title: "DNS providers",
    count: ("DNS provider", "DNS providers"),
    create: || Session::may::<ProviderManage>().then_some(("/providers/new", "Add DNS provider")),
    tabs: || tabs(2),
    empty: (
        "hard-drive",
        "No DNS providers yet",
        "A DNS provider hosts a domain's public records. Certificates by DNS-01 and address records need one.",
    ),
    ..ListPage::DEFAULT
};

const ROWS: Rows<ProviderRow> = Rows {
    label: "DNS providers",
    id: |row| row.id.0,
    columns: &[
        main_column("Name", |row| {
            row_link(format!("/providers/{}", row.name), text(&row.name))
        }),
        column("Kind", "", |row| text(kind_label(row.settings.kind()))),
        column("Endpoint", "mono cell-long", |row| {
            text(endpoint(&row.settings))
        }),
        column("Domains", "cell-long", |row| domain_names(&row.domains)),
    ],
};

pub fn page() -> AnyView {
    list_page(
        &LIST,
        Signal::from(()),
        |()| server_fns::providers::list(),
        |_| [Topic::Provider, Topic::Domain].map(Event::all).to_vec(),
        |all| unpaged(all),
        &ROWS,
    )
}

/// The endpoint of the provider, as a short text.
fn endpoint(settings: &ProviderSettings) -> String {
    match settings {
        ProviderSettings::Cloudflare => "api.cloudflare.com".to_owned(),
        ProviderSettings::Rfc2136 { server, zone, .. } => format!("{zone} at {server}"),
        ProviderSettings::AcmeDns { server, .. } => server.to_string(),
    }
}
