//! The list of DNS providers.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    ProviderId,
    events::{Event, Topic},
    names::Domain,
    providers::{ProviderRow, ProviderSettings},
};

use super::called;
use crate::{
    components::{
        list::list_keys,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, empty, list_skeleton, main_link},
    },
    pages::certificates::tabs,
    server_fns,
    session::Session,
};

const NEW: &str = "/providers/new";

/// The page.
pub fn page() -> AnyView {
    let may_add = Session::is_administrator();
    Effect::new(move |_| list_keys(may_add.then_some(NEW)));
    live_resource(
        Signal::from(()),
        |()| server_fns::providers::list(),
        |_| vec![Event::all(Topic::Provider), Event::all(Topic::Domain)],
        list_skeleton,
        move |providers| content(providers, may_add),
    )
}

fn add(may_add: bool) -> AnyView {
    may_add
        .then(|| main_link(NEW, "plus", "Add DNS provider"))
        .erase()
}

fn content(providers: LiveResource<Vec<ProviderRow>>, may_add: bool) -> AnyView {
    let none = providers.part(Vec::is_empty);
    let total = providers.part(Vec::len);
    let count = Signal::derive(move || match total.get() {
        1 => "1 DNS provider".to_owned(),
        total => format!("{total} DNS providers"),
    });
    let body = reactive(move || {
        if none.get() {
            let text = "A DNS provider hosts a domain's public records. Add a provider to issue certificates with DNS-01 and to publish address records.";
            return empty("globe", "No DNS providers yet", text, add(may_add));
        }
        table(providers)
    });
    view! {
        <PageHead
            title="DNS providers"
            aside=move || view! { <span class="num" role="status">{count}</span> }.erase()
            actions=move || add(may_add)
        />
        {tabs(2)}
        {body}
    }
    .erase()
}

fn table(providers: LiveResource<Vec<ProviderRow>>) -> AnyView {
    let ids = providers.part(|all| all.iter().map(|row| row.id).collect::<Vec<_>>());
    let render_row = move |id: ProviderId| {
        row(providers.part(move |all| all.iter().find(|row| row.id == id).cloned()))
    };
    view! {
        <table class="list" role="table" aria-label="DNS providers">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Name"</th>
                    <th role="columnheader" scope="col">"Kind"</th>
                    <th role="columnheader" scope="col">"Endpoint"</th>
                    <th role="columnheader" scope="col">"Domains"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=render_row />
            </tbody>
        </table>
    }
    .erase()
}

/// The endpoint of the provider, as a short text.
fn place(settings: &ProviderSettings) -> String {
    match settings {
        ProviderSettings::Cloudflare => "api.cloudflare.com".to_owned(),
        ProviderSettings::Rfc2136 { server, zone, .. } => format!("{zone} at {server}"),
        ProviderSettings::AcmeDns { server, .. } => server.to_string(),
    }
}

fn row(provider: Memo<Option<ProviderRow>>) -> AnyView {
    reactive(move || {
        let row = provider.get()?;
        let name = row.name.to_string();
        let domains: Vec<&str> = row.domains.iter().map(Domain::as_str).collect();
        let domains = match domains.is_empty() {
            true => view! { <span class="muted">"none"</span> }.erase(),
            false => domains.join(", ").erase(),
        };
        Some(view! {
            <tr role="row">
                <td role="cell" class="cell-main">
                    <a class="row-link" data-row="" href=format!("/providers/{name}")>{name.clone()}</a>
                </td>
                <td role="cell" data-label="Kind">{called(row.settings.kind())}</td>
                <td role="cell" data-label="Endpoint" class="mono cell-long">{place(&row.settings)}</td>
                <td role="cell" data-label="Domains" class="cell-long">{domains}</td>
            </tr>
        }.erase())
    })
}
