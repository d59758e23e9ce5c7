//! The list of domains.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    DomainId,
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
        list::list_keys,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, empty, list_skeleton, main_link},
    },
    server_fns,
};

const NEW: &str = "/domains/new";

/// The page.
pub fn page() -> AnyView {
    Effect::new(|_| list_keys(Some(NEW)));
    live_resource(
        Signal::from(()),
        |()| server_fns::domains::list(),
        |_| {
            vec![
                Event::all(Topic::Domain),
                Event::all(Topic::Site),
                Event::all(Topic::Container),
                Event::all(Topic::Certificate),
            ]
        },
        list_skeleton,
        content,
    )
}

fn content(domains: LiveResource<Vec<DomainRow>>) -> AnyView {
    let none = domains.part(Vec::is_empty);
    let total = domains.part(Vec::len);
    let count = Signal::derive(move || match total.get() {
        1 => "1 domain".to_owned(),
        total => format!("{total} domains"),
    });
    let body = reactive(move || {
        if none.get() {
            let text = "HTTP services are published under a domain, such as web-1.example.org. Create a domain to publish the first service.";
            return empty(
                "globe",
                "No domains yet",
                text,
                main_link(NEW, "plus", "New domain"),
            );
        }
        table(domains)
    });
    view! {
        <PageHead
            title="Domains"
            aside=move || view! { <span class="num" role="status">{count}</span> }.erase()
            actions=|| main_link(NEW, "plus", "New domain")
        />
        {body}
    }
    .erase()
}

fn table(domains: LiveResource<Vec<DomainRow>>) -> AnyView {
    let ids = domains.part(|domains| domains.iter().map(|domain| domain.id).collect::<Vec<_>>());
    let render_row = move |id: DomainId| {
        row(domains.part(move |all| all.iter().find(|domain| domain.id == id).cloned()))
    };
    view! {
        <table class="list" role="table" aria-label="Domains">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Domain"</th>
                    <th role="columnheader" scope="col">"Site"</th>
                    <th role="columnheader" scope="col">"HTTP services"</th>
                    <th role="columnheader" scope="col">"Certificates"</th>
                    <th role="columnheader" scope="col">"Who can publish"</th>
                    <th role="columnheader" scope="col">"Sign-in"</th>
                    <th role="columnheader" scope="col">"HSTS"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=render_row />
            </tbody>
        </table>
    }
    .erase()
}

fn row(domain: Memo<Option<DomainRow>>) -> AnyView {
    reactive(move || {
        let DomainRow {
            id,
            spec,
            site_name,
            services,
            certificates,
            alarms,
        } = domain.get()?;
        let sign_in = match &spec.sign_in {
            Some(origin) => view! { <span class="mono">{origin.to_string()}</span> }.erase(),
            None => view! { <span class="muted">"none"</span> }.erase(),
        };
        Some(view! {
            <tr role="row">
                <td role="cell" class="cell-main">
                    <a class="row-link" data-row="" href=format!("/domains/{id}")>{host(spec.name.as_str())}</a>
                </td>
                <td role="cell" data-label="Site">{site_name.to_string()}</td>
                <td role="cell" data-label="HTTP services" class="num">{services}</td>
                <td role="cell" data-label="Certificates">{in_row(spec.issuance, certificates, alarms)}</td>
                <td role="cell" data-label="Who can publish" class="cell-long">{publishers(&spec.publishers)}</td>
                <td role="cell" data-label="Sign-in" class="cell-long">{sign_in}</td>
                <td role="cell" data-label="HSTS">{hsts(spec.hsts)}</td>
            </tr>
        }.erase())
    })
}
