//! The list of certificates, by domain, with those that need attention at the top.

use model::certificates::{
    ALARMING, CertificateList, CertificateQuery, CertificateRow, CertificateState,
};

use super::{attention_reason, next, tabs, until};
use crate::{components::badge::certificate_badge, pages::prelude::*};

const PATH: &str = "/certificates";
const NEW: &str = "/certificates/new";

const LIST: PagedList = PagedList {
    title: "Certificates",
    count: ("certificate", "certificates"),
    path: PATH,
    create: NEW,
    actions: || view! { <a class="btn" href=NEW>{icon("plus")} "Upload certificate"</a> }.erase(),
    search: "Name, domain, site or issuer",
    filters,
    selects: &["q", "state"],
    keep: &[],
    empty: Some(bare),
    no_match: "Change the search or the status filter.",
};

const ROWS: Rows<CertificateRow> = Rows {
    label: "Certificates",
    id: |row| row.id.0,
    columns: &[
        link_column("Subject", |row| {
            link(row)
                .with_note((!row.is_used).then(|| aside("unused".to_owned())))
                .with_error(last_error(row))
        }),
        STATUS,
        column("Domain", "cell-long", |row| {
            let site = aside(format!("site {}", row.site_name));
            view! { {host(row.domain_name.as_str())} {site} }.erase()
        }),
        column("Issuer", "cell-long", |row| match &row.issued {
            Some(issued) => text(&issued.issuer),
            None => muted("–"),
        }),
        VALID_UNTIL,
        column("Renewal", "num", next),
    ],
};

/// The column of the state.
pub const STATUS: Column<CertificateRow> =
    badge_column("Status", |row| certificate_badge(row.state));

/// The column of the end of validity.
pub const VALID_UNTIL: Column<CertificateRow> = column("Valid until", "num", until);

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
    let query = url_query(|url| CertificateQuery {
        q: url.text("q"),
        state: url.text("state"),
        page: url.page(),
    });
    live_resource(
        query.into(),
        server_fns::certificates::find,
        |_| vec![Event::all(Topic::Certificate), Event::all(Topic::Domain)],
        list_skeleton,
        content,
    )
}

fn content(listed: LiveResource<CertificateList>) -> AnyView {
    let show = move || table(listed, |listed| &listed.page.rows, &ROWS);
    let data = PagedData::new(listed, |listed| &listed.page, show)
        .with_above(view! { {tabs(0)} {attention_count(listed)} }.erase())
        .with_bare(listed.part(|listed| listed.total == 0));
    paged_view(&LIST, data)
}

fn filters() -> Vec<Filter> {
    let mut options = word_options(&STATES.map(CertificateState::as_str));
    options.insert(0, (ALARMING.to_owned(), "needs attention".to_owned()));
    vec![Filter {
        name: "state",
        all: "All statuses",
        options: Signal::stored(options),
    }]
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

/// The link to a certificate.
pub fn link(row: &CertificateRow) -> RowLink {
    RowLink::new(format!("{PATH}/{}", row.id), host(row.subject.as_str()))
}

/// Why the last issuance failed.
pub fn last_error(row: &CertificateRow) -> Option<String> {
    let last_error = row.last_error.as_ref()?;
    Some(last_error.message.clone())
}

fn aside(text: String) -> AnyView {
    view! { <span class="row-aside">{text}</span> }.erase()
}
