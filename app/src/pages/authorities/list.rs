//! The list of CAs.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    AuthorityId,
    authorities::AuthorityRow,
    events::{Event, Topic},
    names::Domain,
};

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

const NEW: &str = "/authorities/new";

/// The page.
pub fn page() -> AnyView {
    let may_add = Session::is_administrator();
    Effect::new(move |_| list_keys(may_add.then_some(NEW)));
    live_resource(
        Signal::from(()),
        |()| server_fns::authorities::list(),
        |_| vec![Event::all(Topic::Authority), Event::all(Topic::Domain)],
        list_skeleton,
        move |authorities| content(authorities, may_add),
    )
}

fn add(may_add: bool) -> AnyView {
    may_add
        .then(|| main_link(NEW, "plus", "Add certificate authority"))
        .erase()
}

fn content(authorities: LiveResource<Vec<AuthorityRow>>, may_add: bool) -> AnyView {
    let none = authorities.part(Vec::is_empty);
    let total = authorities.part(Vec::len);
    let count = Signal::derive(move || match total.get() {
        1 => "1 CA".to_owned(),
        total => format!("{total} CAs"),
    });
    let body = reactive(move || {
        if none.get() {
            let text = "A certificate authority (CA) such as Let's Encrypt issues certificates that browsers trust. After an administrator has added a CA, select it on a domain's page.";
            return empty(
                "landmark",
                "No certificate authorities yet",
                text,
                add(may_add),
            );
        }
        table(authorities)
    });
    view! {
        <PageHead
            title="Certificate authorities"
            aside=move || view! { <span class="num" role="status">{count}</span> }.erase()
            actions=move || add(may_add)
        />
        {tabs(1)}
        {body}
    }
    .erase()
}

fn table(authorities: LiveResource<Vec<AuthorityRow>>) -> AnyView {
    let ids = authorities.part(|all| all.iter().map(|row| row.id).collect::<Vec<_>>());
    let render_row = move |id: AuthorityId| {
        row(authorities.part(move |all| all.iter().find(|row| row.id == id).cloned()))
    };
    view! {
        <table class="list" role="table" aria-label="Certificate authorities">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Name"</th>
                    <th role="columnheader" scope="col">"Directory"</th>
                    <th role="columnheader" scope="col">"Account"</th>
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

fn row(authority: Memo<Option<AuthorityRow>>) -> AnyView {
    reactive(move || {
        let row = authority.get()?;
        let name = row.name.to_string();
        let account = match row.account {
            Some(_) => "registered".erase(),
            None => view! { <span class="muted">"none yet"</span> }.erase(),
        };
        let domains: Vec<&str> = row.domains.iter().map(Domain::as_str).collect();
        let domains = match domains.is_empty() {
            true => view! { <span class="muted">"none"</span> }.erase(),
            false => domains.join(", ").erase(),
        };
        Some(view! {
            <tr role="row">
                <td role="cell" class="cell-main">
                    <a class="row-link" data-row="" href=format!("/authorities/{name}")>{name.clone()}</a>
                </td>
                <td role="cell" data-label="Directory" class="mono cell-long">{row.directory.to_string()}</td>
                <td role="cell" data-label="Account">{account}</td>
                <td role="cell" data-label="Domains" class="cell-long">{domains}</td>
            </tr>
        }.erase())
    })
}
