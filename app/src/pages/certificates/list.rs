//! The list of certificates, by domain, with those that need attention at the top.

use model::certificates::{
    ALARMING, CertificateList, CertificateQuery, CertificateRow, CertificateState,
};

use super::{attention_reason, next, tabs, until};
use crate::{components::badge::certificate_badge, pages::prelude::*};

const PATH: &str = "/certificates";
const NEW: &str = "/certificates/new";

const ROWS: Rows<CertificateRow> = Rows {
    label: "Certificates",
    id: |row| row.id.0,
    link: ("Subject", link),
    columns: &[
        badge_column("State", |row| certificate_badge(row.state)),
        column("Domain", "cell-long", domain),
        column("Issuer", "cell-long", |row| match &row.issued {
            Some(issued) => text(&issued.issuer),
            None => muted("–"),
        }),
        column("Valid until", "num", until),
        column("Next", "num", next),
    ],
};

/// The states, in the order of the filter.
const STATES: [CertificateState; 6] = [
    CertificateState::Waiting,
    CertificateState::Failed,
    CertificateState::Issued,
    CertificateState::Renewing,
    CertificateState::Expiring,
    CertificateState::Expired,
];

/// The page.
pub fn page() -> AnyView {
    Effect::new(|_| list_keys(Some(NEW)));
    let parameters = use_query_map();
    let query = Memo::new(move |_| {
        parameters.with(|parameters| {
            let text = |name| parameters.get_str(name).unwrap_or_default().trim();
            CertificateQuery {
                q: text("q").to_owned(),
                state: text("state").to_owned(),
                page: text("page").parse().unwrap_or(1).max(1),
            }
        })
    });
    live_resource(
        query.into(),
        server_fns::certificates::find,
        |_| vec![Event::all(Topic::Certificate), Event::all(Topic::Domain)],
        list_skeleton,
        move |listed| content(listed, query),
    )
}

fn content(listed: LiveResource<CertificateList>, query: Memo<CertificateQuery>) -> AnyView {
    let found = listed.part(|listed| listed.page.total);
    let none = listed.part(|listed| listed.page.rows.is_empty());
    let is_bare = listed.part(|listed| listed.total == 0);
    let body = reactive(move || match (is_bare.get(), none.get()) {
        (true, _) => bare(),
        (false, true) => nothing(),
        (false, false) => table(listed, |listed| &listed.page.rows, &ROWS),
    });
    let search = reactive(move || (!is_bare.get()).then(filters));
    let href = Callback::new(move |number: u32| {
        let number = number.to_string();
        query.with(|query| {
            let all = [
                ("q", query.q.as_str()),
                ("state", &query.state),
                ("page", &number),
            ];
            address(PATH, &all)
        })
    });
    view! {
        <PageHead
            title="Certificates"
            badges=move || count(found.into(), ("certificate", "certificates"))
            actions=upload_link
        />
        {tabs(0)}
        {attention_count(listed)}
        {search}
        {body}
        <Pager place=listed.part(|listed| place(&listed.page)) href=href />
    }
    .erase()
}

fn upload_link() -> AnyView {
    view! { <a class="btn" href=NEW>{icon("plus")} "Upload certificate"</a> }.erase()
}

fn filters() -> AnyView {
    let states = STATES.map(|state| (state.as_str().to_owned(), state.as_str().to_owned()));
    let mut options = vec![(ALARMING.to_owned(), "needs attention".to_owned())];
    options.extend(states);
    let filters = vec![Filter {
        name: "state",
        all: "All states",
        options: Signal::stored(options),
    }];
    view! { <Filters path=PATH search="Name, domain, site or issuer" filters=filters /> }.erase()
}

/// The certificates that need attention.
fn attention_count(listed: LiveResource<CertificateList>) -> AnyView {
    let all = listed.part(|listed| (listed.alarming.clone(), listed.attention_count));
    reactive(move || {
        let (rows, count) = all.get();
        let is_worse = |row: &CertificateRow| row.state != CertificateState::Expiring;
        let class = match rows.iter().any(is_worse) {
            true => "panel panel-danger",
            false => "panel panel-warning",
        };
        let title = match count {
            0 => return None,
            1 => "1 certificate needs attention".to_owned(),
            count => format!("{count} certificates need attention"),
        };
        let rest = (count > rows.len()).then(|| {
            let href = address(PATH, &[("state", ALARMING)]);
            view! { <p class="links"><a href=href>"Show all"</a></p> }.erase()
        });
        let each = rows.iter().map(alarm).collect::<Vec<_>>();
        Some(
            view! {
                <section class=class aria-label="Needs attention">
                    <p class="panel-title">{icon("triangle-alert")} {title}</p>
                    <ul class="links stack-tight">{each}</ul>
                    {rest}
                </section>
            }
            .erase(),
        )
    })
}

fn alarm(row: &CertificateRow) -> AnyView {
    let (href, subject) = (format!("{PATH}/{}", row.id), row.subject.to_string());
    view! { <li><a href=href>{subject}</a> ": " {attention_reason(row)}</li> }.erase()
}

/// The empty state if there are no certificates.
fn bare() -> AnyView {
    let first = Session::is_administrator().then(|| {
        view! { <a class="btn btn-primary" href="/authorities/new">{icon("plus")} "Add certificate authority"</a> }.erase()
    });
    let action = view! {
        <div class="actions">{first} <a class="btn" href="/domains">{icon("globe")} "Select a certificate source"</a></div>
    }
    .erase();
    empty(
        "shield-check",
        "No certificates yet",
        "Certificates secure the names of a domain; without them, edge hosts serve self-signed ones, which browsers warn about. Select a certificate authority on a domain's page, or upload a certificate.",
        action,
    )
}

/// The empty state if no certificates match.
fn nothing() -> AnyView {
    let all = view! { <a class="btn" href=PATH>"Show all certificates"</a> }.erase();
    let text = "Change the search or the state filter.";
    empty("search", "No certificates match", text, all)
}

fn link(row: &CertificateRow) -> RowLink {
    let unused = (!row.is_used).then(|| view! { <span class="row-aside">"unused"</span> }.erase());
    let last_error = row.last_error.as_ref().map(|last_error| {
        view! { <span class="row-note">{last_error.message.clone()}</span> }.erase()
    });
    RowLink::new(format!("{PATH}/{}", row.id), host(row.subject.as_str()))
        .with_notes(view! { {unused} {last_error} }.erase())
}

fn domain(row: &CertificateRow) -> AnyView {
    view! {
        {host(row.domain_name.as_str())}
        <span class="row-aside">{format!("site {}", row.site_name)}</span>
    }
    .erase()
}
